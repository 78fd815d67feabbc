"""Parquet to Python rows with pyarrow, on the file that this script writes beside the inputs (data.parquet)."""

import os
import random
import statistics
import time

import peer_common as common

ROWS = 40_000


def write_file(path):
    """Conversations as instruction data has them, zstd, groups of 10,000 rows."""
    import pyarrow
    import pyarrow.parquet

    chance = random.Random(0)
    words = [f"word{i}" if i % 7 == 0 else "".join(chance.choices("abcdefghijklmnop", k=chance.randint(2, 8))) for i in range(3000)]

    def text(length):
        return " ".join(chance.choices(words, k=length))

    rows = [
        {
            "id": f"row-{i}",
            "messages": [{"role": "user", "content": text(30)}, {"role": "assistant", "content": text(45)}],
            "reward": chance.random(),
            "turns": 2,
            "tags": ["a", "b"],
        }
        for i in range(ROWS)
    ]
    table = pyarrow.Table.from_pylist(rows)
    pyarrow.parquet.write_table(table, path, compression="zstd", row_group_size=10_000)


def main():
    args = common.argument_parser(__doc__).parse_args()
    # No weights: the folder need not be one of a model.
    args.load_average = round(os.getloadavg()[0], 2)
    folder = args.save_model or args.model
    if folder is None:
        raise SystemExit("name a folder for data.parquet with --save-model")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "data.parquet"
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        return common.skip(args, "peer_data", f"pyarrow is not installed ({error})")
    if not path.exists():
        write_file(path)
    pyarrow.set_cpu_count(args.threads)
    seconds = []
    for repeat in range(8):
        start = time.perf_counter()
        rows = pyarrow.parquet.read_table(path).to_pylist()
        # The first pass warms up.
        if repeat > 0:
            seconds.append(time.perf_counter() - start)
        assert len(rows) == ROWS
    median = statistics.median(seconds)
    common.report(args, {
        "benchmark": "peer_data", "rows": ROWS, "median_s": median, "rows_per_s": ROWS / median,
        "peak_rss_mb": common.peak_rss_mb(), **common.versions("pyarrow"),
    })


if __name__ == "__main__":
    main()
