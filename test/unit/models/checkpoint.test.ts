/** Checkpoint folders: opened, read, written, described; and refused where something is wrong with them. */
import {
  cp,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { expectedTensors, parameterCount } from '../../../src-main/models/expected-tensors.ts';
import { aboutText, readModelCard } from '../../../src-main/models/model-card.ts';
import { modelHash } from '../../../src-main/models/model-hash.ts';
import { openCheckpoint } from '../../../src-main/models/open-checkpoint.ts';
import { readTensor } from '../../../src-main/models/read-tensor.ts';
import { writeCheckpoint, writeSafetensors } from '../../../src-main/models/write-checkpoint.ts';
import type { TensorData } from '../../../src-main/models/write-checkpoint.ts';

const models = join(import.meta.dirname, '../../fixtures/models');
const names = [
  'llama-mha',
  'llama-gqa-tied',
  'llama-bias',
  'llama-yarn',
  'llama-bf16',
  'llama-f16',
  'llama-sharded',
  'mistral',
  'qwen2',
  'qwen3',
  'gpt2',
];
const indexSchema = z.record(z.string(), z.looseObject({ parameters: z.int().optional() }));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-checkpoint-'));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

/** Copies a fixture into the folder of the test. */
async function copyOf(name: string): Promise<string> {
  const copy = join(folder, name);
  await cp(join(models, name), copy, { recursive: true });
  return copy;
}
async function readAll(path: string): Promise<TensorData[]> {
  const checkpoint = await openCheckpoint(path);
  const tensors: TensorData[] = [];
  for (const [name, stored] of checkpoint.tensors) {
    const data = new Float32Array(stored.shape.reduce((product, size) => product * size, 1));
    await readTensor(stored, data);
    tensors.push({ name, shape: stored.shape, data });
  }
  return tensors;
}
async function editConfig(path: string, change: Readonly<Record<string, unknown>>): Promise<void> {
  const file = join(path, 'config.json');
  const config = z.record(z.string(), z.unknown()).parse(JSON.parse(await readFile(file, 'utf8')));
  await writeFile(file, JSON.stringify({ ...config, ...change }));
}
/** Writes the tensors of a fixture again, changed. */
async function rewrite(path: string, change: (tensors: TensorData[]) => TensorData[]): Promise<void> {
  await writeSafetensors(join(path, 'changed'), change(await readAll(path)));
  await rename(join(path, 'changed'), join(path, 'model.safetensors'));
}

describe.each(names)('checkpoint %s', (name) => {
  it('holds exactly the expected tensors, in order, and as many parameters as the reference', async () => {
    const checkpoint = await openCheckpoint(join(models, name));
    const expected = expectedTensors(checkpoint.config);
    expect([...checkpoint.tensors.keys()]).toEqual(expected.map((tensor) => tensor.name));
    const index = indexSchema.parse(JSON.parse(await readFile(join(models, 'index.json'), 'utf8')));
    expect(parameterCount(checkpoint.config)).toBe(index[name]?.parameters);
  });

  it('survives being written and opened again, value by value', async () => {
    const before = await readAll(join(models, name));
    const { rawConfig } = await openCheckpoint(join(models, name));
    await writeCheckpoint({
      folder: join(folder, 'out'),
      rawConfig,
      tensors: before,
      copyFrom: join(models, name),
    });
    expect(await readAll(join(folder, 'out'))).toEqual(before);
    const again = await openCheckpoint(join(folder, 'out'));
    expect(again.rawConfig['dtype'] ?? again.rawConfig['torch_dtype']).toBe('float32');
    expect((await readdir(join(folder, 'out'))).sort()).toEqual([
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    expect(await readdir(folder)).toEqual(['out']);
  });
});

describe('order of the tensors', () => {
  it('puts the embedding first, q, k and v together, and gate next to up', async () => {
    const { config } = await openCheckpoint(join(models, 'llama-bias'));
    const list = expectedTensors(config).map(({ name }) => name.replace('model.layers.0.', ''));
    expect(list[0]).toBe('model.embed_tokens.weight');
    const at = (name: string): number => list.indexOf(name);
    expect(
      ['q', 'k', 'v'].map((part) => at(`self_attn.${part}_proj.weight`) - at('self_attn.q_proj.weight')),
    ).toEqual([0, 1, 2]);
    expect(
      ['q', 'k', 'v'].map((part) => at(`self_attn.${part}_proj.bias`) - at('self_attn.q_proj.bias')),
    ).toEqual([0, 1, 2]);
    expect(at('mlp.up_proj.weight') - at('mlp.gate_proj.weight')).toBe(1);
    expect(at('mlp.up_proj.bias') - at('mlp.gate_proj.bias')).toBe(1);
  });
});

describe('stored types', () => {
  it('widens every float16 and bfloat16 value exactly', async () => {
    const file = join(folder, 'values');
    const bits = Uint16Array.from({ length: 65_536 }, (_, value) => value);
    await writeFile(file, bits);
    const stored = { name: 't', shape: [65_536], file, offset: 0, byteLength: 131_072 } as const;
    const half = new Float32Array(65_536);
    await readTensor({ ...stored, type: 'F16' }, half);
    expect([
      half[0x3c00],
      half[0xc000],
      half[1],
      half[0x7bff],
      half[0x7c00],
      half[0xfc00],
      half[0x7e00],
      half[0x3555],
    ]).toEqual([1, -2, 2 ** -24, 65_504, Infinity, -Infinity, NaN, Math.fround(0.333251953125)]);
    const brain = new Float32Array(65_536);
    await readTensor({ ...stored, type: 'BF16' }, brain);
    expect([brain[0x3f80], brain[0xc000], brain[0x7f80], brain[0x0001]]).toEqual([
      1,
      -2,
      Infinity,
      2 ** -133,
    ]);
  });

  it('reads tensors larger than one piece, at odd offsets', async () => {
    const values = Float32Array.from({ length: 3_000_001 }, (_, index) => index / 7);
    const file = join(folder, 'large');
    await writeFile(file, Buffer.concat([Buffer.from('odd'), new Uint8Array(values.buffer)]));
    const target = new Float32Array(values.length);
    await readTensor(
      { name: 't', type: 'F32', shape: [values.length], file, offset: 3, byteLength: values.byteLength },
      target,
    );
    expect(Buffer.from(target.buffer).equals(Buffer.from(values.buffer))).toBe(true);
  });

  it('says when the file has become shorter, and refuses a target of another size', async () => {
    const path = await copyOf('llama-mha');
    const tensor = [...(await openCheckpoint(path)).tensors.values()].at(-1);
    if (tensor === undefined) throw new Error('no tensors');
    const target = new Float32Array(tensor.byteLength / 4);
    await expect(readTensor(tensor, target.subarray(1))).rejects.toThrow(RangeError);
    await truncate(tensor.file, tensor.offset + 8);
    await expect(readTensor(tensor, target)).rejects.toMatchObject({
      code: 'weights-damaged',
      message: expect.stringContaining(tensor.name),
    });
  });
});

describe('names of the tensors', () => {
  it('may lack the prefix, as in checkpoints of the bare model', async () => {
    for (const [name, prefix] of [
      ['gpt2', 'transformer.'],
      ['qwen2', 'model.'],
    ] as const) {
      const path = await copyOf(name);
      await rewrite(path, (tensors) =>
        tensors.map((tensor) => ({ ...tensor, name: tensor.name.replace(prefix, '') })),
      );
      expect(await readAll(path)).toEqual(await readAll(join(models, name)));
    }
  });

  it('may include masks, rotary frequencies and an equal copy of a tied head, which are left out', async () => {
    const path = await copyOf('gpt2');
    const before = await readAll(path);
    const embedding = before[0];
    if (embedding === undefined) throw new Error('no tensors');
    await rewrite(path, (tensors) => [
      ...tensors,
      { name: 'transformer.h.0.attn.bias', shape: [1, 1, 2, 2], data: new Float32Array(4) },
      { name: 'transformer.h.0.attn.masked_bias', shape: [], data: new Float32Array(1) },
      { ...embedding, name: 'lm_head.weight' },
    ]);
    expect(await readAll(path)).toEqual(before);
    await rewrite(path, (tensors) => [
      ...tensors,
      { ...embedding, name: 'lm_head.weight', data: embedding.data.map((value) => value + 1) },
    ]);
    await expect(openCheckpoint(path)).rejects.toMatchObject({
      code: 'model-tensors-wrong',
      message: expect.stringContaining('differs from the token embedding'),
    });
  });

  it.each<[string, (tensors: TensorData[]) => TensorData[], string]>([
    [
      'missing',
      (tensors) => tensors.filter(({ name }) => !name.includes('layers.1.mlp')),
      'missing: model.layers.1.mlp.gate_proj.weight',
    ],
    [
      'unknown',
      (tensors) => [
        ...tensors,
        { name: 'model.layers.2.mlp.up_proj.weight', shape: [1], data: new Float32Array(1) },
      ],
      'unknown: model.layers.2.mlp.up_proj.weight',
    ],
    [
      'wrongly shaped',
      (tensors) =>
        tensors.map((tensor) =>
          tensor.name === 'lm_head.weight' ? { ...tensor, shape: tensor.shape.toReversed() } : tensor,
        ),
      'wrong shape: lm_head.weight is [32, 104] instead of [104, 32]',
    ],
  ])('are named when they are %s', async (_, change, message) => {
    const path = await copyOf('llama-mha');
    await rewrite(path, change);
    await expect(openCheckpoint(path)).rejects.toMatchObject({
      code: 'model-tensors-wrong',
      where: path,
      message: expect.stringContaining(message),
    });
  });

  it('do not fit another configuration: biases, heads, layers', async () => {
    for (const change of [
      { attention_bias: true },
      { num_key_value_heads: 2 },
      { num_hidden_layers: 3 },
      { tie_word_embeddings: true, vocab_size: 103 },
    ]) {
      const path = await copyOf('llama-mha');
      await editConfig(path, change);
      await expect(openCheckpoint(path)).rejects.toMatchObject({ code: 'model-tensors-wrong' });
    }
  });
});

describe('folders', () => {
  it('follows symbolic links to the real files, as in the cache of the Hub', async () => {
    const blobs = join(folder, 'blobs');
    const snapshot = join(folder, 'snapshots', 'main');
    await mkdir(blobs);
    await mkdir(snapshot, { recursive: true });
    for (const name of await readdir(join(models, 'llama-sharded'))) {
      await cp(join(models, 'llama-sharded', name), join(blobs, `blob-${name}`));
      await symlink(join('..', '..', 'blobs', `blob-${name}`), join(snapshot, name));
    }
    const { tensors } = await openCheckpoint(snapshot);
    expect([...tensors.values()].every(({ file }) => file.includes(`blobs`))).toBe(true);
    await rm(join(blobs, 'blob-model-00002-of-00004.safetensors'));
    await expect(openCheckpoint(snapshot)).rejects.toMatchObject({
      code: 'weights-missing',
      message: expect.stringContaining('model-00002-of-00004'),
    });
  });

  it.each<[string, (path: string) => Promise<unknown>, string, string]>([
    [
      'a cut-off weights file',
      (path) => truncate(join(path, 'model.safetensors'), 5000),
      'weights-damaged',
      'cut off',
    ],
    [
      'an empty weights file',
      (path) => truncate(join(path, 'model.safetensors'), 0),
      'weights-damaged',
      'only 0 bytes',
    ],
    [
      'no weights',
      (path) => rm(join(path, 'model.safetensors')),
      'weights-missing',
      'neither model.safetensors nor',
    ],
    [
      'PyTorch weights',
      (path) => rename(join(path, 'model.safetensors'), join(path, 'pytorch_model.bin')),
      'weights-missing',
      'PyTorch',
    ],
    [
      'GGUF weights',
      (path) => rename(join(path, 'model.safetensors'), join(path, 'model.gguf')),
      'weights-missing',
      'GGUF',
    ],
    [
      'an adapter',
      async (path) => {
        await rename(join(path, 'model.safetensors'), join(path, 'adapter_model.safetensors'));
      },
      'weights-missing',
      'adapter',
    ],
    ['no configuration', (path) => rm(join(path, 'config.json')), 'model-not-found', 'config.json'],
    [
      'a configuration that is no JSON',
      (path) => writeFile(join(path, 'config.json'), '{"model_type":'),
      'model-file-unreadable',
      'not valid JSON',
    ],
    [
      'a configuration that is a list',
      (path) => writeFile(join(path, 'config.json'), '[]'),
      'model-config-invalid',
      'The file',
    ],
    [
      'a configuration that is a Git LFS pointer',
      (path) => writeFile(join(path, 'config.json'), 'version https://git-lfs.github.com/spec/v1\n'),
      'model-file-unreadable',
      'Git LFS',
    ],
    [
      'a configuration that is not UTF-8',
      (path) => writeFile(join(path, 'config.json'), new Uint8Array([0xff, 0xfe])),
      'model-file-unreadable',
      'UTF-8',
    ],
    [
      'a directory in the place of the weights',
      async (path) => {
        await rm(join(path, 'model.safetensors'));
        await mkdir(join(path, 'model.safetensors'));
      },
      'weights-damaged',
      'not a file',
    ],
  ])('are refused with advice: %s', async (_, damage, code, message) => {
    const path = await copyOf('llama-mha');
    await damage(path);
    await expect(openCheckpoint(path)).rejects.toMatchObject({
      kind: 'user',
      code,
      message: expect.stringContaining(message),
      where: expect.stringContaining(path),
      advice: expect.any(String),
    });
  });

  it.each<[string, (weights: Record<string, string>) => Record<string, string>, string, string]>([
    [
      'leads out of the folder',
      (weights) => ({ ...weights, 'lm_head.weight': '../other.safetensors' }),
      'weights-damaged',
      '../other.safetensors',
    ],
    [
      'names an absolute path',
      (weights) => ({ ...weights, 'lm_head.weight': '/etc/passwd' }),
      'weights-damaged',
      '/etc/passwd',
    ],
    [
      'names a shard that is not there',
      (weights) => ({ ...weights, 'lm_head.weight': 'model-9.safetensors' }),
      'weights-missing',
      'model-9.safetensors',
    ],
    [
      'places a tensor wrongly',
      (weights) => ({ ...weights, 'model.norm.weight': 'model-00001-of-00004.safetensors' }),
      'weights-damaged',
      '"model.norm.weight" is not in',
    ],
    [
      'lacks a tensor',
      ({ 'model.norm.weight': _, ...weights }) => weights,
      'model-tensors-wrong',
      'missing: model.norm.weight',
    ],
  ])('refuse an index that %s', async (_, change, code, message) => {
    const path = await copyOf('llama-sharded');
    const file = join(path, 'model.safetensors.index.json');
    const index = z
      .looseObject({ weight_map: z.record(z.string(), z.string()) })
      .parse(JSON.parse(await readFile(file, 'utf8')));
    await writeFile(file, JSON.stringify({ ...index, weight_map: change(index.weight_map) }));
    await expect(openCheckpoint(path)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  it('are refused when there is none', async () => {
    await expect(openCheckpoint(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'model-not-found' });
    await expect(openCheckpoint(join(models, 'index.json'))).rejects.toMatchObject({
      code: 'model-not-found',
    });
  });
});

describe('writing', () => {
  const tensors: TensorData[] = [{ name: 'a', shape: [2], data: Float32Array.of(1, 2) }];
  const write = (path: string, replace = false, list: Iterable<TensorData> = tensors): Promise<void> =>
    writeCheckpoint({
      folder: path,
      rawConfig: { model_type: 'llama', torch_dtype: 'bfloat16' },
      tensors: list,
      copyFrom: null,
      replace,
    });

  it('never overwrites what is no checkpoint, and replaces a checkpoint only when told so', async () => {
    const path = join(folder, 'a', 'b');
    await write(path);
    await expect(write(path)).rejects.toMatchObject({ code: 'checkpoint-exists' });
    await write(path, true, [{ name: 'b', shape: [], data: Float32Array.of(3) }]);
    expect((await readFile(join(path, 'model.safetensors'))).includes('"b"')).toBe(true);
    expect(await readdir(join(folder, 'a'))).toEqual(['b']);
    await mkdir(join(folder, 'papers'));
    await writeFile(join(folder, 'papers', 'thesis.txt'), 'x');
    await expect(write(join(folder, 'papers'), true)).rejects.toMatchObject({ code: 'checkpoint-exists' });
    expect(await readdir(join(folder, 'papers'))).toEqual(['thesis.txt']);
  });

  it('leaves nothing behind when it fails, and keeps an older checkpoint', async () => {
    const path = join(folder, 'model');
    await expect(write(path, false, [{ name: 'a', shape: [3], data: new Float32Array(2) }])).rejects.toThrow(
      RangeError,
    );
    expect(await readdir(folder)).toEqual([]);
    await write(path);
    await expect(write(path, true, [...tensors, ...tensors])).rejects.toThrow(
      'two tensors have the same name',
    );
    expect(await readdir(folder)).toEqual(['model']);
    expect((await readFile(join(path, 'model.safetensors'))).includes('"a"')).toBe(true);
  });

  it('restores the older checkpoint where a writer was interrupted between its two renamings', async () => {
    const path = join(folder, 'model');
    await write(path);
    await rename(path, join(folder, '.model.old'));
    await expect(write(path)).rejects.toMatchObject({ code: 'checkpoint-exists' });
    expect(await readdir(folder)).toEqual(['model']);
  });

  it('begins the data at a multiple of eight bytes and names the format as transformers wants it', async () => {
    await write(join(folder, 'm'));
    const bytes = await readFile(join(folder, 'm', 'model.safetensors'));
    const length = Number(bytes.readBigUInt64LE(0));
    expect(length % 8).toBe(0);
    expect(JSON.parse(bytes.subarray(8, 8 + length).toString())).toMatchObject({
      __metadata__: { format: 'pt' },
    });
  });
});

describe('hash and card', () => {
  it('hashes content: the same for a copy, other for any other weight', async () => {
    const path = await copyOf('llama-sharded');
    const hash = await modelHash(path);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(await modelHash(join(models, 'llama-sharded'))).toBe(hash);
    await writeFile(join(path, 'README.md'), 'a card');
    expect(await modelHash(path)).toBe(hash);
    const shard = join(path, 'model-00003-of-00004.safetensors');
    const bytes = await readFile(shard);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await writeFile(shard, bytes);
    expect(await modelHash(path)).not.toBe(hash);
    await expect(modelHash(folder)).rejects.toMatchObject({ code: 'model-not-found' });
  });

  it('describes a model', async () => {
    const path = await copyOf('qwen2');
    await writeFile(
      join(path, 'README.md'),
      '---\nlicense: mit\n---\n# Title\n\n![x](y)\n\nFirst words.\nMore.\n',
    );
    expect(await readModelCard(path)).toMatchObject({
      name: 'qwen2',
      family: 'qwen2',
      context: 128,
      vocabulary: 104,
      hasChatTemplate: false,
      about: 'First words. More.',
    });
    expect((await readModelCard(path)).parameters).toBeGreaterThan(10_000);
    expect(aboutText('# only a title\n')).toBeNull();
    expect(aboutText('Lines of a **bold** paragraph\nflow together.\n\n- items\n- stay\n  apart\n')).toBe(
      'Lines of a bold paragraph flow together.\n\n- items\n- stay apart',
    );
  });
});
