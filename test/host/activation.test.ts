import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { openDeputy } from './deputy';

interface Manifest {
  readonly contributes: { readonly commands: readonly { readonly command: string }[] };
}

describe('Deputy in VS Code', () => {
  it('runs in VS Code 1.130 or newer', () => {
    const [major = 0, minor = 0] = vscode.version.split('.').map(Number);
    assert.ok(major > 1 || minor >= 130, vscode.version);
  });

  it('activates and opens its state', async () => {
    const { manager } = await (await openDeputy()).workbench();
    assert.equal(manager.overview().sessions.size, 0);
  });

  it('registers every command that it contributes, and no other', async () => {
    const extension = vscode.extensions.getExtension('deputy.deputy');
    const manifest = extension?.packageJSON as Manifest;
    const contributed = manifest.contributes.commands.map(({ command }) => command);
    const registered = (await vscode.commands.getCommands(true)).filter(
      // VS Code makes commands of its own for every view: focus, open, resetViewLocation, …
      (command) => command.startsWith('deputy.') && !command.startsWith('deputy.sessions.'),
    );
    assert.deepEqual(registered.sort(), contributed.sort());
  });
});
