/**
 * The one place that relies on an error path of onnxruntime-node. The binding copies every fetched result into a fresh
 * buffer, even where a preallocated one was given and has been written. A first output of a type that it cannot fetch
 * makes it throw after the run has finished and the preallocated outputs are filled, but before it copies anything.
 * Probed once; where it does not hold, sessions are made without that output and results are copied as usual.
 */
import ort from 'onnxruntime-node';
import { Graph } from '../graph/graph.ts';
import { compile, stopOutputName } from '../graph/compile.ts';

/** The message of the error that means "finished, nothing copied". Any other error is a real one. */
const stopMessage = 'Non tensor type is temporarily not supported.';

/** Runs a session whose first output is the stop output; results are in `fetches` afterwards. */
export async function runWithStop(
  session: ort.InferenceSession,
  feeds: Record<string, ort.Tensor>,
  fetches: Record<string, ort.Tensor>,
): Promise<void> {
  try {
    await session.run(feeds, { [stopOutputName]: null, ...fetches });
  } catch (error) {
    if (!(error instanceof Error) || error.message !== stopMessage) throw error;
  }
}

let probed: Promise<boolean> | undefined;

/** Whether runs with a stop output fill preallocated results on this machine. */
export function stopOutputWorks(): Promise<boolean> {
  return (probed ??= probe());
}

async function probe(): Promise<boolean> {
  const graph = new Graph();
  const doubled = graph.scale(graph.input('x', ['N']), 2);
  const { bytes } = compile(graph, [{ name: 'y', node: doubled }], { stopOutput: true });
  const result = new Float32Array(3);
  try {
    const session = await ort.InferenceSession.create(bytes, {
      executionProviders: ['cpu'],
      intraOpNumThreads: 1,
      logSeverityLevel: 4,
    });
    const run = (): Promise<void> =>
      runWithStop(
        session,
        { x: new ort.Tensor('float32', Float32Array.of(1, 2, 3), [3]) },
        { y: new ort.Tensor('float32', result, [3]) },
      );
    await run();
    await run();
    await session.release();
  } catch {
    return false;
  }
  return result.join() === '2,4,6';
}
