import { UserError } from '../base/errors';
import { isActive } from '../domain/session';
import { labelOf } from '../domain/sessionView';
import { countText } from '../domain/words';
import { busy, confirm, pick, tell, type CommandParts } from './commandParts';
import { anySession, type SessionQuestion } from './pickSession';
import { requireTrust } from './trust';
import type { Workbench } from './workbench';

/** Registers the commands about what becomes of sessions and teams as a whole. */
export function registerLifecycleCommands(parts: CommandParts): void {
  const { vs, registry, workbench } = parts;

  registry.register('deputy.stopTeam', async (target, given) => {
    const bench = await workbench();
    const lead = await pick(parts, bench, STOP_TEAM, target);
    if (!lead) return undefined;
    const count = activeBelow(bench, lead.id).length;
    if (count === 0) {
      throw new UserError(`Nobody in the team of ${labelOf(lead)} is pending, running or idle.`);
    }
    const isAgreed = await confirm(
      parts,
      given,
      `Stop ${countText(count, 'session')}: ${labelOf(lead)} and its team?`,
      'Their agents end with everything that they started. Worktrees and branches stay, and each session can be resumed.',
      `Stop ${countText(count, 'Session')}`,
    );
    if (!isAgreed) return undefined;
    return busy(parts, () => bench.manager.stopTeam(lead.id));
  });

  registry.register('deputy.resumeSession', async (target) => {
    requireTrust(vs);
    const bench = await workbench();
    const session = await pick(parts, bench, RESUME, target);
    if (!session) return;
    await busy(parts, () => bench.manager.resume(session.id));
    bench.outputs.open(session.id);
  });

  registry.register('deputy.deleteSession', async (target, given) => {
    const bench = await workbench();
    const session = await pick(parts, bench, DELETE, target);
    if (!session) return;
    // What is refused anyway is not asked about.
    const isAgreed =
      isActive(session.state) ||
      (await confirm(
        parts,
        given,
        `Delete session ${labelOf(session)}?`,
        [
          'Its output, messages and tool log are removed.',
          ...(session.worktree
            ? [
                `Its worktree ${session.worktree.path} is removed, too, unless it holds work that would be lost.`,
              ]
            : []),
        ].join(' '),
        'Delete',
      ));
    if (!isAgreed) return;
    await busy(parts, () => bench.manager.delete(session.id));
    bench.outputs.close(session.id);
  });

  registry.register('deputy.cleanUpWorktree', async (target, given) => {
    const bench = await workbench();
    const session = await pick(parts, bench, CLEAN_UP, target);
    if (!session) return;
    const { worktree } = session;
    if (!worktree) throw new UserError(`Session ${session.id} has no worktree.`);
    const isAgreed = await confirm(
      parts,
      given,
      `Remove the worktree of ${labelOf(session)}?`,
      [
        ...(isActive(session.state) ? ['The session is stopped first.'] : []),
        `${worktree.path} is removed, unless it holds work that would be lost. The session cannot be resumed afterwards.`,
      ].join(' '),
      'Remove Worktree',
    );
    if (isAgreed) await busy(parts, () => bench.manager.cleanUpWorktree(session.id));
  });

  registry.register('deputy.switchRole', async (target) => {
    const bench = await workbench();
    const session = await pick(parts, bench, SWITCH_ROLE, target);
    if (!session) return undefined;
    const role = session.role === 'lead' ? 'worker' : 'lead';
    bench.manager.switchRole(session.id, role);
    tell(parts, `${labelOf(session)} is a ${role} now.`);
    return role;
  });
}

function activeBelow({ manager, store }: Workbench, id: string): readonly string[] {
  return manager.subtree(id).filter((it) => isActive(store.sessions.get(it)?.state ?? 'stopped'));
}

const STOP_TEAM = anySession('Stop Team');
const SWITCH_ROLE = anySession('Switch Role');
const RESUME: SessionQuestion = {
  title: 'Resume Session',
  fits: ({ state }) => state === 'failed' || state === 'stopped',
  none: 'No session has failed or was stopped, so there is nothing to resume.',
};
const DELETE: SessionQuestion = {
  title: 'Delete Session',
  fits: ({ state }) => !isActive(state),
  none: 'No session has ended. Stop or finish one first.',
};
const CLEAN_UP: SessionQuestion = {
  title: 'Clean Up Worktree',
  fits: ({ worktree }) => worktree !== undefined,
  none: 'No session has a worktree.',
};
