import { pick, type CommandParts } from './commandParts';
import { anySession } from './pickSession';

/** Registers the commands that only show something. */
export function registerLookCommands(parts: CommandParts): void {
  const { registry, workbench } = parts;

  registry.register('deputy.showOutput', async (target) => {
    const bench = await workbench();
    const session = await pick(parts, bench, OUTPUT, target);
    if (session) bench.outputs.show(session.id);
  });

  for (const [id, question, kind] of DOCUMENTS) {
    registry.register(id, async (target) => {
      const bench = await workbench();
      const session = await pick(parts, bench, question, target);
      if (session) await bench.documents.show(kind, session.id);
    });
  }

  registry.register('deputy.showActivity', async () => {
    const { documents } = await workbench();
    await documents.show('activity', '');
  });
}

const OUTPUT = anySession('Show Output');

const DOCUMENTS = [
  ['deputy.showSessionStatus', anySession('Show Session Status'), 'status'],
  ['deputy.showTeamStatus', anySession('Show Team Status'), 'team'],
  ['deputy.showToolLog', anySession('Show Tool Log'), 'tools'],
] as const;
