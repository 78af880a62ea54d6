import { UserError } from '../base/errors';
import { isActive } from '../domain/session';
import { labelOf } from '../domain/sessionView';
import { busy, optionsOf, pick, type CommandParts } from './commandParts';
import type { SessionQuestion } from './pickSession';
import { requireTrust } from './trust';
import { askForSession, askForText, type StartSessionOptions } from './startSession';

/** Registers the commands about single sessions and their agents. */
export function registerSessionCommands(parts: CommandParts): void {
  const { vs, registry, tree, workbench } = parts;

  registry.register('deputy.startSession', async (given) => {
    const bench = await workbench();
    const options = optionsOf<StartSessionOptions>(given);
    const wanted = await askForSession({ vs, ...bench }, options);
    if (!wanted) return undefined;
    const { id, started } = await bench.manager.create(wanted);
    bench.outputs.open(id);
    await tree.reveal(id);
    // One that has to wait for others is on its way; its row says so.
    if (bench.manager.slots.hasRoomForTurn()) await busy(parts, () => started);
    return id;
  });

  registry.register('deputy.sendPrompt', async (target, text) => {
    requireTrust(vs);
    const bench = await workbench();
    const session = await pick(parts, bench, PROMPT, target);
    if (!session) return;
    const title = `${PROMPT.title}: ${labelOf(session)}`;
    const prompt =
      typeof text === 'string'
        ? text
        : await askForText(vs, title, 'What shall the agent do next?', 'prompt');
    if (prompt !== undefined) await bench.manager.sendPrompt(session.id, prompt);
  });

  registry.register('deputy.answerRequest', async (target) => {
    const bench = await workbench();
    const session = await pick(parts, bench, ANSWER, target);
    if (!session) return;
    const request = bench.manager.resolve(session.id).requests[0];
    if (!request) throw new UserError(`Session ${session.id} asks nothing now.`);
    const items = request.options.map((option) => ({ label: option.name, option }));
    const picked = await vs.window.showQuickPick(items, {
      title: request.title,
      placeHolder: `${session.agentType} asks: ${request.title}`,
    });
    // Backing out is no answer: the agent goes on waiting.
    if (picked) {
      await bench.manager.answer(session.id, request.requestId, picked.option.optionId);
    }
  });

  registry.register('deputy.finishSession', async (target) => {
    const bench = await workbench();
    const session = await pick(parts, bench, FINISH, target);
    if (session) await busy(parts, () => bench.manager.finish(session.id));
  });

  registry.register('deputy.stopSession', async (target) => {
    const bench = await workbench();
    const session = await pick(parts, bench, STOP, target);
    if (session) await busy(parts, () => bench.manager.stop(session.id));
  });
}

const PROMPT: SessionQuestion = {
  title: 'Send Prompt',
  fits: (session) => session.state === 'idle',
  none: 'No session is idle now. Only an idle session can take a prompt.',
};
const ANSWER: SessionQuestion = {
  title: 'Answer Request',
  fits: (session) => session.requests.length > 0,
  none: 'No agent asks anything now.',
};
const FINISH: SessionQuestion = {
  title: 'Finish Session',
  fits: (session) => session.state === 'idle',
  none: 'No session is idle now. Only an idle session can be finished; a running one can be stopped.',
};
const STOP: SessionQuestion = {
  title: 'Stop Session',
  fits: (session) => isActive(session.state),
  none: 'No session is running or idle, so there is nothing to stop.',
};
