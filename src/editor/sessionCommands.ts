import type * as vscode from 'vscode';
import { UserError } from '../base/errors';
import { isActive, type Session } from '../domain/session';
import { labelOf } from '../domain/sessionView';
import type { AgentPort, GitPort } from '../session/ports';
import type { SessionManager } from '../session/sessionManager';
import type { CommandRegistry } from './commandRegistry';
import type { OutputChannels } from './outputChannels';
import { pickSession, type SessionQuestion } from './pickSession';
import type { SessionTree } from './sessionTree';
import { askForSession, askForText, type StartSessionOptions } from './startSession';
import type { StatusDocuments } from './statusDocuments';

/** What the commands work with once the state is there. */
export interface Workbench {
  readonly manager: SessionManager;
  readonly agents: AgentPort;
  readonly git: GitPort;
  readonly outputs: OutputChannels;
  readonly documents: StatusDocuments;
  readonly defaultAgent: () => string;
}

/**
 * Registers the commands about sessions.
 * @param workbench gives the parts, or throws a `UserError` that says why there are none
 */
export function registerSessionCommands(
  vs: typeof vscode,
  registry: CommandRegistry,
  tree: SessionTree,
  workbench: () => Promise<Workbench>,
): void {
  const pick = async (
    { manager }: Workbench,
    question: SessionQuestion,
    target: unknown,
  ): Promise<Session | undefined> =>
    pickSession(vs, manager, question, target, tree.view.selection[0]?.id);

  registry.register('deputy.startSession', async (given) => {
    const bench = await workbench();
    const options = isOptions(given) ? given : {};
    const wanted = await askForSession({ vs, ...bench }, options);
    if (!wanted) return undefined;
    const { id, started } = await bench.manager.create(wanted);
    bench.outputs.open(id);
    await tree.reveal(id);
    await vs.window.withProgress({ location: { viewId: tree.viewId } }, () => started);
    return id;
  });

  registry.register('deputy.sendPrompt', async (target, text) => {
    const bench = await workbench();
    const session = await pick(bench, PROMPT, target);
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
    const session = await pick(bench, ANSWER, target);
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
    const session = await pick(bench, FINISH, target);
    if (session) await busy(() => bench.manager.finish(session.id));
  });

  registry.register('deputy.stopSession', async (target) => {
    const bench = await workbench();
    const session = await pick(bench, STOP, target);
    if (session) await busy(() => bench.manager.stop(session.id));
  });

  registry.register('deputy.showOutput', async (target) => {
    const bench = await workbench();
    const session = await pick(bench, OUTPUT, target);
    if (session) bench.outputs.show(session.id);
  });

  registry.register('deputy.showSessionStatus', async (target) => {
    const bench = await workbench();
    const session = await pick(bench, STATUS, target);
    if (session) await bench.documents.show(session.id);
  });

  /** Shows on the view that Deputy works on something that may take some seconds. */
  async function busy(work: () => Promise<void>): Promise<void> {
    await vs.window.withProgress({ location: { viewId: tree.viewId } }, work);
  }
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
const OUTPUT: SessionQuestion = {
  title: 'Show Output',
  fits: () => true,
  none: 'There is no session yet. Start one first.',
};
const STATUS: SessionQuestion = { ...OUTPUT, title: 'Show Session Status' };

function isOptions(value: unknown): value is StartSessionOptions {
  return typeof value === 'object' && value !== null;
}
