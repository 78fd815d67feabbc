/** Bundle for the world beside the user's: calls functions and runs tests. */
export { callReward, settledReward } from './call-reward.ts';
export { beginTests, resumeTests } from './run-tests.ts';
export { describeProblem, describeThrown } from './thrown.ts';
