import assert from 'node:assert/strict';
import type * as vscode from 'vscode';
import { tellSettingsProblems } from '../../src/editor/settingsProblems';
import { Emitter } from '../../src/base/event';

describe('tellSettingsProblems', () => {
  it('tells each problem once, and offers the settings', async () => {
    const changed = new Emitter<{ affectsConfiguration: (key: string) => boolean }>();
    const messages: string[] = [];
    const opened: unknown[] = [];
    const vs = {
      window: {
        showWarningMessage: (text: string, action: string) => {
          messages.push(text);
          return Promise.resolve(action);
        },
      },
      commands: {
        executeCommand: (...args: unknown[]) => {
          opened.push(args);
          return Promise.resolve();
        },
      },
      workspace: { onDidChangeConfiguration: changed.event },
    } as unknown as typeof vscode;
    const change = (key: string): void =>
      changed.fire({ affectsConfiguration: (asked) => asked === key });
    const logged: string[] = [];
    let problems = ['A is wrong.', 'B is wrong.'];
    const telling = tellSettingsProblems(vs, { warn: (text) => logged.push(text) }, () => problems);
    change('deputy.agents');
    assert.deepEqual(messages, ['A is wrong. B is wrong.']);
    problems = ['B is wrong.', 'C is wrong.'];
    change('deputy.other');
    change('deputy.agents');
    assert.deepEqual(messages, ['A is wrong. B is wrong.', 'C is wrong.']);
    assert.deepEqual(logged, ['A is wrong.', 'B is wrong.', 'C is wrong.']);
    // What is mended and broken again is news.
    problems = [];
    change('deputy.agents');
    problems = ['A is wrong.'];
    change('deputy.agents');
    assert.equal(messages.at(-1), 'A is wrong.');
    await Promise.resolve();
    assert.deepEqual(opened[0], ['workbench.action.openSettings', 'deputy.agents']);
    telling.dispose();
    problems = ['D is wrong.'];
    change('deputy.agents');
    assert.equal(messages.length, 3);
  });
});
