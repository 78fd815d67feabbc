/**
 * A complete small policy with exact gradients: one softmax over the next token for each pair of question and
 * previous token. It implements the seams of learner and sampler, so that the training loop learns for real.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KlSpec, PreferenceSpec, SurrogateSpec } from '../../../src-main/contract/estimator.ts';
import { normal, uniform } from '../../../src-main/contract/random.ts';
import { answerScore, judgedTerm, pairTerm } from '../../../src-main/estimators/preference-loss.ts';
import { surrogateLoss } from '../../../src-main/estimators/surrogate.ts';
import type {
  SampleOptions,
  SampleRequest,
  SampleResult,
  Sampler,
} from '../../../src-main/rollout/sampler.ts';
import type {
  Learner,
  LearnerSequence,
  LossSequence,
  OptimizerSettings,
  PreferenceExample,
  TokenScores,
} from '../../../src-main/training/learner.ts';

/** Token 0 ends an answer; tokens 1 … vocabulary − 1 are letters. Prompts are one number. */
export interface TabularShape {
  readonly prompts: number;
  readonly vocabulary: number;
}

interface Saved {
  table: number[];
  first: number[];
  second: number[];
  updates: number;
}

export class TabularPolicy implements Learner, Sampler {
  readonly shape: TabularShape;
  table: Float64Array;
  /** Added to the sampler's logits only: a sampler that does not quite agree with the learner. */
  samplerNoise: Float64Array | null = null;
  /** How often answers were scored without learning. */
  scorePasses = 0;
  private first: Float64Array;
  private second: Float64Array;
  private gradient: Float64Array;
  private loss = 0;
  private updates = 0;
  private reference: Float64Array | null = null;

  constructor(shape: TabularShape, seed = 0) {
    this.shape = shape;
    const size = shape.prompts * shape.vocabulary * shape.vocabulary;
    this.table = Float64Array.from({ length: size }, (_, place) => 0.1 * normal([seed, 77], place));
    this.first = new Float64Array(size);
    this.second = new Float64Array(size);
    this.gradient = new Float64Array(size);
  }

  private offset(prompt: number, previous: number): number {
    return (prompt * this.shape.vocabulary + previous) * this.shape.vocabulary;
  }

  private probabilities(
    table: Float64Array,
    offset: number,
    temperature: number,
    noise: Float64Array | null = null,
  ): Float64Array {
    const { vocabulary } = this.shape;
    const logits = Float64Array.from(
      { length: vocabulary },
      (_, token) => (table[offset + token]! + (noise?.[offset + token] ?? 0)) / temperature,
    );
    const most = Math.max(...logits);
    const powers = logits.map((logit) => Math.exp(logit - most));
    const sum = powers.reduce((total, power) => total + power, 0);
    return powers.map((power) => power / sum);
  }

  async generate(requests: readonly SampleRequest[], options: SampleOptions): Promise<SampleResult[]> {
    return requests.map(({ promptIds, stream, maxTokens = options.maxTokens }, index) => {
      const ids: number[] = [];
      const logprobs: number[] = [];
      // What follows the question in a prompt is the beginning of an answer.
      let previous = promptIds.length > 1 ? promptIds.at(-1)! : 0;
      while (ids.length < maxTokens) {
        const greedy = options.temperature === 0;
        const p = this.probabilities(
          this.table,
          this.offset(promptIds[0]!, previous),
          greedy ? 1 : options.temperature,
          this.samplerNoise,
        );
        let token = 0;
        if (greedy) token = p.indexOf(Math.max(...p));
        else {
          let left = uniform(stream, ids.length);
          while (token < p.length - 1 && left >= p[token]!) left -= p[token++]!;
        }
        ids.push(token);
        logprobs.push(Math.log(p[token]!));
        previous = token;
        if (options.stopIds.includes(token)) break;
      }
      options.onProgress?.(index + 1, ids.length);
      const finish = options.stopIds.includes(ids.at(-1)!) ? 'stop' : 'length';
      return { ids: Int32Array.from(ids), logprobs: Float32Array.from(logprobs), finish };
    });
  }

  private scoresOf(sequence: LearnerSequence, temperature: number, table: Float64Array): TokenScores {
    const logprobs: number[] = [];
    const entropies: number[] = [];
    let previous = 0;
    for (const token of sequence.answerIds) {
      const p = this.probabilities(table, this.offset(sequence.promptIds[0]!, previous), temperature);
      logprobs.push(Math.log(p[token]!));
      entropies.push(-p.reduce((sum, value) => sum + value * Math.log(value), 0));
      previous = token;
    }
    return { logprobs: Float32Array.from(logprobs), entropies: Float32Array.from(entropies) };
  }

  async score(
    sequences: readonly LearnerSequence[],
    temperature: number,
    which: 'policy' | 'reference' = 'policy',
  ): Promise<TokenScores[]> {
    if (which === 'policy') this.scorePasses++;
    if (which === 'reference' && this.reference === null) throw new Error('no reference was kept');
    const table = which === 'reference' ? this.reference! : this.table;
    return sequences.map((sequence) => this.scoresOf(sequence, temperature, table));
  }

  async accumulate(
    sequences: readonly LossSequence[],
    surrogate: SurrogateSpec,
    kl: KlSpec,
    temperature: number,
  ): Promise<{ loss: number; scores: TokenScores[] }> {
    const scores = sequences.map((sequence) => this.scoresOf(sequence, temperature, this.table));
    const { loss, gradients, entropyGradients } = surrogateLoss(
      sequences.map((sequence, place) => ({ ...sequence, ...scores[place]! })),
      surrogate,
      kl,
    );
    this.addGradients(sequences, gradients, temperature);
    this.addEntropyGradients(sequences, entropyGradients, temperature);
    this.loss += loss;
    return { loss, scores };
  }

  async accumulatePreference(
    examples: readonly PreferenceExample[],
    spec: PreferenceSpec,
    temperature: number,
  ): Promise<{ loss: number; scores: TokenScores[] }> {
    const sequences = examples.flatMap((example) => example.sequences);
    const scores = sequences.map((sequence) => this.scoresOf(sequence, temperature, this.table));
    let next = 0;
    let loss = 0;
    const gradients = examples.flatMap((example) => {
      const own = example.sequences.map((_, place) => ({
        logprobs: scores[next + place]!.logprobs,
        referenceScore: example.referenceScores[place]!,
      }));
      next += own.length;
      const score = ({ logprobs, referenceScore }: (typeof own)[number]): number =>
        answerScore({ logprobs, referenceSum: null }, { reference: false, average: spec.average }) -
        (spec.reference ? referenceScore : 0);
      const share = ({ logprobs }: (typeof own)[number]): number => (spec.average ? 1 / logprobs.length : 1);
      const [first, second] = own;
      if (second === undefined) {
        const term = judgedTerm(score(first!), example.desirable, example.kl, {
          ...spec,
          desirable: 1,
          undesirable: 1,
        });
        loss += example.weight * term.value;
        return [new Float64Array(first!.logprobs.length).fill(example.weight * term.slope)];
      }
      const term = pairTerm(score(first!), score(second), spec);
      loss += example.weight * term.value;
      loss -= first!.logprobs.reduce((sum, value) => sum + example.likelihoodWeight * value, 0);
      return [
        new Float64Array(first!.logprobs.length).fill(
          example.weight * term.chosen * share(first!) - example.likelihoodWeight,
        ),
        new Float64Array(second.logprobs.length).fill(example.weight * term.rejected * share(second)),
      ];
    });
    this.addGradients(sequences, gradients, temperature);
    this.loss += loss;
    return { loss, scores };
  }

  private addGradients(
    sequences: readonly LearnerSequence[],
    gradients: readonly ArrayLike<number>[],
    temperature: number,
  ): void {
    for (const [place, sequence] of sequences.entries()) {
      let previous = 0;
      for (const [index, token] of sequence.answerIds.entries()) {
        const offset = this.offset(sequence.promptIds[0]!, previous);
        const p = this.probabilities(this.table, offset, temperature);
        const slope = gradients[place]![index]!;
        for (let other = 0; other < p.length; other++) {
          this.gradient[offset + other]! += (slope * ((other === token ? 1 : 0) - p[other]!)) / temperature;
        }
        previous = token;
      }
    }
  }

  private addEntropyGradients(
    sequences: readonly LearnerSequence[],
    gradients: readonly ArrayLike<number>[],
    temperature: number,
  ): void {
    for (const [place, slopes] of gradients.entries()) {
      const { promptIds, answerIds } = sequences[place]!;
      let previous = 0;
      for (const [index, token] of answerIds.entries()) {
        const offset = this.offset(promptIds[0]!, previous);
        const p = this.probabilities(this.table, offset, temperature);
        const entropy = -p.reduce((sum, value) => sum + value * Math.log(value), 0);
        for (const [other, value] of p.entries())
          this.gradient[offset + other]! -=
            (slopes[index]! * value * (Math.log(value) + entropy)) / temperature;
        previous = token;
      }
    }
  }

  /** Gradient accumulated so far. */
  get accumulated(): Float64Array {
    return this.gradient.slice();
  }

  step(settings: OptimizerSettings): { gradientNorm: number; applied: boolean } {
    const gradientNorm = Math.sqrt(this.gradient.reduce((sum, value) => sum + value * value, 0));
    const applied = Number.isFinite(gradientNorm) && Number.isFinite(this.loss);
    if (applied) {
      const clip = settings.clipNorm === null ? 1 : Math.min(1, settings.clipNorm / (gradientNorm + 1e-12));
      this.updates++;
      for (const [place, raw] of this.gradient.entries()) {
        const value = raw * clip;
        this.first[place] = settings.beta1 * this.first[place]! + (1 - settings.beta1) * value;
        this.second[place] = settings.beta2 * this.second[place]! + (1 - settings.beta2) * value * value;
        const mean = this.first[place] / (1 - settings.beta1 ** this.updates);
        const square = this.second[place] / (1 - settings.beta2 ** this.updates);
        this.table[place]! -=
          settings.learningRate *
          (mean / (Math.sqrt(square) + settings.eps) + settings.weightDecay * this.table[place]!);
      }
    }
    this.gradient.fill(0);
    this.loss = 0;
    return { gradientNorm, applied };
  }

  keepReference(): void {
    this.reference = this.table.slice();
  }

  async save(directory: string): Promise<void> {
    const saved: Saved = {
      table: [...this.table],
      first: [...this.first],
      second: [...this.second],
      updates: this.updates,
    };
    await writeFile(join(directory, 'tables.json'), JSON.stringify(saved));
  }

  async restore(directory: string): Promise<void> {
    const saved = JSON.parse(await readFile(join(directory, 'tables.json'), 'utf8')) as Saved;
    this.table = Float64Array.from(saved.table);
    this.first = Float64Array.from(saved.first);
    this.second = Float64Array.from(saved.second);
    this.updates = saved.updates;
  }

  /** KL(policy ‖ reference) at the first token, mean over prompts. */
  divergence(reference: TabularPolicy): number {
    let sum = 0;
    for (let prompt = 0; prompt < this.shape.prompts; prompt++) {
      const p = this.probabilities(this.table, this.offset(prompt, 0), 1);
      const q = this.probabilities(reference.table, this.offset(prompt, 0), 1);
      for (let token = 0; token < p.length; token++) sum += p[token]! * Math.log(p[token]! / q[token]!);
    }
    return sum / this.shape.prompts;
  }

  async dispose(): Promise<void> {}
}
