import * as path from 'node:path';
import { MARKER_VARIABLE } from '../domain/runnerProtocol';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string>>;

/** Set by the editor for itself; a program that inherits them would behave as part of it. */
const EDITOR_VARIABLE = /^(ELECTRON_|VSCODE_)/i;

/**
 * The environment for programs that the extension or a runner starts: its own, less what the editor
 * has set for itself and less the marker of another session.
 */
export function cleanEnvironment(own: NodeJS.ProcessEnv): Record<string, string> {
  const cleaned: Record<string, string> = {};
  for (const [name, value] of Object.entries(own)) {
    if (value === undefined || EDITOR_VARIABLE.test(name)) continue;
    if (name.toUpperCase() === MARKER_VARIABLE) continue;
    if (/^(GIT|SSH)_ASKPASS$/i.test(name) && isEditorsAskpass(value, own)) continue;
    cleaned[name] = value;
  }
  return cleaned;
}

/** The editor's askpass program talks to its window over a socket that may be gone by then. */
function isEditorsAskpass(program: string, own: NodeJS.ProcessEnv): boolean {
  const editorsMain = own['VSCODE_GIT_ASKPASS_MAIN'];
  if (editorsMain !== undefined && path.dirname(editorsMain) === path.dirname(program)) return true;
  return /[\\/]extensions[\\/]git[\\/]dist[\\/]/.test(program);
}

/** The environment of an agent: `own` cleaned, `extra` on top, and the session's marker last. */
export function agentEnvironment(
  own: NodeJS.ProcessEnv,
  extra: Environment,
  marker: string,
): Record<string, string> {
  return { ...cleanEnvironment(own), ...extra, [MARKER_VARIABLE]: marker };
}
