/** Every command that package.json contributes; a test holds the two against each other. */
export const COMMAND_IDS = [
  'deputy.startSession',
  'deputy.sendPrompt',
  'deputy.answerRequest',
  'deputy.finishSession',
  'deputy.stopSession',
  'deputy.showOutput',
  'deputy.showSessionStatus',
  'deputy.takeOver',
  'deputy.exportState',
  'deputy.repairState',
  'deputy.showLog',
] as const;

export type CommandId = (typeof COMMAND_IDS)[number];
