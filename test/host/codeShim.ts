#!/usr/bin/env node
// Stands in for the `code` binary: takes what runTests() of @vscode/test-electron passes, and runs
// the tests in the extension host of a served VS Code with a headless Chromium as its window.
// Exit codes: 0 passed, 1 failed, 2 the host broke, 124 too slow, 130 interrupted.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { format } from 'node:util';
import type { Page } from 'playwright-core';
import { launchBrowser, type TestBrowser } from './browser';
import { parseCodeArguments } from './codeArguments';
import { ensureServedHost } from './install';
import { built } from './paths';
import { HOST_EXITED, HOST_LAUNCHED, VsCodeServer } from './server';
import { OUTCOME_VARIABLE, TESTS_VARIABLE } from './shimRunner';

const RUN_MS = 600_000;
const START_MS = 90_000;
/** After a reload of the window the next extension host is started within seconds. */
const RELOAD_MS = 10_000;
const FORCED_EXIT_MS = 15_000;
const isVerbose = Boolean(process.env['DEPUTY_TEST_VERBOSE']);

/** The workbench's own lines, which come the same way as what the extension host prints. */
const NOISE =
  /^(?:\[(?:ChatModelSelection|AgentHost:remote|AccountPolicyGate|reconnection-grace-time|Service Worker|remote-connection)\]|Resolv(?:ing|ed) connection token|Creating a socket|Updating additional builtin|Canceled: Canceled|Ignoring fetching additional builtin)/;

const startedMs = Date.now();
let server: VsCodeServer | undefined;
let browser: TestBrowser | undefined;
let ending: Promise<never> | undefined;

function note(message: string): void {
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
  process.stderr.write(`[host +${seconds}s] ${message}\n`);
}

function finish(code: number, why: string): void {
  ending ??= end(code, why);
}

async function end(code: number, why: string): Promise<never> {
  note(why);
  if (code === 2 && server) note(`last lines of the server:\n${server.log.tail(25)}`);
  setTimeout(() => process.exit(code || 3), FORCED_EXIT_MS).unref();
  await browser?.close();
  const leftovers = (await server?.stop()) ?? [];
  for (const left of leftovers) {
    note(`failed: killed process ${left.pid}, which had outlived VS Code: ${left.command}`);
  }
  process.exit(code === 0 && leftovers.length > 0 ? 1 : code);
}

/** A reload ends the extension host as a crash does; what tells them apart is whether a new one comes. */
function watchExtensionHost(running: VsCodeServer): void {
  let timer: NodeJS.Timeout | undefined;
  running.log.onLine((line) => {
    if (isVerbose) note(`[server] ${line}`);
    if (HOST_LAUNCHED.test(line)) clearTimeout(timer);
    const exit = HOST_EXITED.exec(line);
    if (!exit) return;
    const why = `the extension host ended (code ${exit[2] ?? ''}, signal ${exit[3] ?? ''}) without a result`;
    timer = setTimeout(() => finish(2, why), RELOAD_MS);
  });
}

/** In test runs the workbench calls these two functions: for each log line, and with the exit code. */
async function exposeAutomation(page: Page, outcomeFile: string): Promise<void> {
  const silence = setTimeout(
    () => finish(2, `no sign of the extension host within ${START_MS} ms`),
    START_MS,
  );
  await page.exposeFunction('codeAutomationLog', (type: string, args: unknown[]) => {
    clearTimeout(silence);
    const text = format(...args);
    if (!isVerbose && NOISE.test(text)) return;
    const stream = type === 'error' || type === 'warn' ? process.stderr : process.stdout;
    stream.write(`${text}\n`);
  });
  await page.exposeFunction('codeAutomationExit', (code: number) => {
    if (!fs.existsSync(outcomeFile)) {
      finish(2, `the extension host ended (reported ${code}) before the tests did`);
      return;
    }
    const hasPassed = code === 0 && fs.readFileSync(outcomeFile, 'utf8') === 'passed';
    finish(hasPassed ? 0 : 1, hasPassed ? 'passed' : 'failed');
  });
}

async function main(): Promise<void> {
  setTimeout(() => finish(124, `not done after ${RUN_MS} ms`), RUN_MS).unref();
  const args = parseCodeArguments(process.argv.slice(2));
  const files = await ensureServedHost();
  const outcomeFile = path.join(args.userDataDir, 'outcome');
  fs.mkdirSync(args.userDataDir, { recursive: true });
  fs.mkdirSync(args.extensionsDir, { recursive: true });
  fs.rmSync(outcomeFile, { force: true });
  server = await VsCodeServer.start(files, {
    userDataDir: args.userDataDir,
    extensionsDir: args.extensionsDir,
    workspaceTrust: args.workspaceTrust,
    smokeDriver: true,
    ...(args.logLevel ? { logLevel: args.logLevel } : {}),
    env: {
      [TESTS_VARIABLE]: require.resolve(args.tests),
      [OUTCOME_VARIABLE]: outcomeFile,
    },
  });
  void server.exited.then((ended) => finish(2, `the server ended (${ended})`));
  watchExtensionHost(server);
  browser = await launchBrowser(files.chromium);
  browser.onDidEnd(() => finish(2, 'Chromium ended'));
  const page = await browser.context.newPage();
  page.on('crash', () => finish(2, 'the page crashed'));
  if (isVerbose) page.on('pageerror', (error) => note(`[page] ${error.message}`));
  await exposeAutomation(page, outcomeFile);
  const address = server.url({ ...args, tests: built('host', 'shimRunner') });
  await page.goto(address, { timeout: START_MS });
  note(`VS Code runs on port ${server.port}`);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => finish(130, `got ${signal}`));
}
process.on('uncaughtException', (error) => finish(2, error.stack ?? error.message));
process.on('unhandledRejection', (reason) =>
  finish(2, reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)),
);
void main();
