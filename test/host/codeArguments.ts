import { fileURLToPath } from 'node:url';

/** What `runTests` of @vscode/test-electron passes to the executable, as far as we use it. */
export interface CodeArguments {
  readonly tests: string;
  readonly dev: readonly string[];
  readonly folder: string | undefined;
  readonly file: string | undefined;
  readonly userDataDir: string;
  readonly extensionsDir: string;
  readonly logLevel: string | undefined;
  readonly workspaceTrust: boolean;
  readonly disableExtensions: boolean;
}

/**
 * Reads a command line of `code`; switches we do not know are ignored.
 * @throws {Error} when one that we cannot do without is missing
 */
export function parseCodeArguments(args: readonly string[]): CodeArguments {
  const switches = new Map<string, string[]>();
  const names: string[] = [];
  for (const arg of args) {
    const match = /^--([A-Za-z-]+)(?:=(.*))?$/s.exec(arg);
    const [, name, value = ''] = match ?? [];
    if (name === undefined) names.push(toPath(arg));
    else switches.set(name, [...(switches.get(name) ?? []), value]);
  }
  const last = (name: string): string | undefined => switches.get(name)?.at(-1);
  const required = (name: string): string => {
    const value = last(name);
    if (!value) throw new Error(`--${name}=… is missing.`);
    return toPath(value);
  };
  return {
    tests: required('extensionTestsPath'),
    dev: (switches.get('extensionDevelopmentPath') ?? []).map(toPath),
    folder: names[0],
    file: names[1],
    userDataDir: required('user-data-dir'),
    extensionsDir: required('extensions-dir'),
    logLevel: last('log'),
    workspaceTrust: !switches.has('disable-workspace-trust'),
    disableExtensions: switches.has('disable-extensions'),
  };
}

function toPath(value: string): string {
  return value.startsWith('file:') ? fileURLToPath(value) : value;
}
