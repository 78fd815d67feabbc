/** `espalier fetch NAME`: a model or dataset from the Hugging Face Hub, into the cache that all its tools share. */
import type { HubDescription, HubRequest } from '../../../contract/hub.ts';
import {
  describeRepository,
  fetchRepository,
  type FetchedRepository,
  type HubWorld,
} from '../../hub/fetch-repository.ts';
import { Pace } from '../../pace.ts';
import { defineCommand, exitCodes, type CommandContext } from '../command.ts';
import { createProgressWriter } from '../progress-bar.ts';
import { formatBytes, formatNumber, renderPairs } from '../table.ts';

function modelLine({ model, gated }: HubDescription): string | null {
  if (model === null) return gated ? 'not known before access is granted (gated)' : null;
  if (!model.supported) return `cannot be used here: ${model.why ?? ''}`;
  const fits =
    model.memory?.trains === true
      ? 'fits this computer'
      : model.memory?.samples === true
        ? 'fits for sampling only'
        : 'does not fit the memory of this computer';
  return `${model.family ?? ''}, ${formatNumber(model.parameters)} parameters, ${fits}`;
}

function describeText(found: HubDescription): string {
  const line = modelLine(found);
  return renderPairs([
    ['Repository', `${found.name} (${found.kind}), ${found.revision} = ${found.commit.slice(0, 12)}`],
    ['Licence', found.licence ?? 'not stated'],
    ...(line === null ? [] : [['Model', line] as const]),
    ...(found.config === null ? [] : [['Configuration', found.config] as const]),
    [
      'Files',
      `${found.files.length}, ${formatBytes(found.bytes)}; ${formatBytes(found.missingBytes)} to fetch`,
    ],
    ['Free', `${formatBytes(found.freeBytes)} in ${found.cache}`],
  ]);
}

async function fetchWithBar(context: CommandContext, request: HubRequest, world: HubWorld): Promise<void> {
  const { output, interrupts } = context;
  const writer = createProgressWriter(output.errorStream, () => performance.now());
  const pace = new Pace();
  let fetched: FetchedRepository;
  try {
    fetched = await fetchRepository(
      request,
      world,
      {
        onProgress: (done, total, detail) => {
          pace.mark(done, performance.now());
          const rate = pace.rate();
          writer.update({
            title: detail,
            share: total === 0 ? null : done / total,
            facts: [
              ...(total === 0 ? [] : [`${formatBytes(done)} of ${formatBytes(total)}`]),
              ...(rate === null ? [] : [`${formatBytes(Math.round(rate))}/s`]),
            ],
            secondsLeft: total === 0 ? null : pace.secondsLeft(total),
          });
        },
      },
      interrupts.signal,
    );
  } finally {
    writer.end();
  }
  const { path, commit, files, bytes, config, splits } = fetched;
  const { kind, name, revision } = fetched.request;
  output.value({ kind, name, revision, commit, path, files, bytes, config, splits });
  output.text(path);
  for (const { split, paths } of splits) output.text(`${split}: ${paths.join(' ')}`);
  output.note(`${files.length} files, ${formatBytes(bytes)}, all hashes checked.`);
}

export const fetchCommand = defineCommand({
  name: 'fetch',
  summary: 'a model or dataset from the Hugging Face Hub',
  about: [
    'Fetches what is needed to train: of a model its configuration, tokenizer, chat template and safetensors weights; with --dataset the Parquet files of a dataset (those that the Hub converted where it has none of its own). Files go into the Hugging Face cache that other tools share; every hash is checked; what was cut off goes on where it stopped. Only this command, and a person who asks for it in the application, ever reach out to the Hub.',
    'HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_TOKEN (or the token file of "hf auth login") and HF_HUB_OFFLINE are honoured. Gated models need a token of an account that agreed to their terms.',
  ],
  positionals: [{ name: 'NAME', help: 'owner/name as the Hub shows it, or the address of its page' }],
  options: {
    dataset: { type: 'boolean', help: 'NAME is a dataset.' },
    revision: { type: 'string', value: 'R', help: 'Branch, tag or commit.', fallback: 'main' },
    config: { type: 'string', value: 'C', help: 'Configuration (subset) of the dataset.' },
    split: { type: 'string', value: 'S', help: 'Only this split of the dataset.' },
    'dry-run': { type: 'boolean', help: 'Only say what it is, how large, and whether it fits.' },
  },
  examples: [
    { line: 'espalier fetch HuggingFaceTB/SmolLM2-135M-Instruct', meaning: 'a small model' },
    { line: 'espalier fetch openai/gsm8k --dataset --config main', meaning: 'a dataset, all its splits' },
  ],
  run: async (context, values, [name = '']) => {
    const request: HubRequest = {
      kind: values.dataset ? 'dataset' : 'model',
      name,
      revision: values.revision ?? 'main',
      ...(values.config === undefined ? {} : { config: values.config }),
      ...(values.split === undefined ? {} : { split: values.split }),
    };
    const world: HubWorld = { environment: context.environment };
    const { output, interrupts } = context;
    try {
      const found = await describeRepository(request, world, interrupts.signal);
      if (values['dry-run']) {
        output.value(found);
        output.text(describeText(found));
        return exitCodes.done;
      }
      output.note(describeText(found));
      await fetchWithBar(context, request, world);
      return exitCodes.done;
    } catch (error) {
      if (!interrupts.signal.aborted) throw error;
      output.note('Stopped. What came is kept; the same command goes on from there.');
      return exitCodes.interrupted;
    }
  },
});
