import * as path from 'node:path';
import * as fs from 'node:fs/promises';
import type { Locator, Page } from 'playwright-core';
import { repoRoot } from './paths';
import { readRows, type TreeRow } from './treeRow';

const ACTION_MS = 15_000;
const OPEN_MS = 60_000;
const PALETTE_ATTEMPTS = 4;

/**
 * Drives one window of VS Code through its page, as a person would. All of it was tried on VS Code
 * 1.139. Everything waits for what it needs, 15 seconds by default, and throws when it does not come.
 */
export class Workbench {
  /** The quick input: command palette, quick picks and input boxes. */
  readonly quick: Locator;

  private constructor(readonly page: Page) {
    // While it fades out it is still visible, but inert.
    this.quick = page.locator('.quick-input-widget:visible:not([inert])');
    page.setDefaultTimeout(ACTION_MS);
  }

  /** Shows `url` in the page and waits until the workbench is there. */
  static async open(page: Page, url: string): Promise<Workbench> {
    const workbench = new Workbench(page);
    await page.goto(url, { timeout: OPEN_MS });
    await workbench.ready();
    return workbench;
  }

  /** Reloads the window, as "Developer: Reload Window" does, and waits until it is there again. */
  async reload(): Promise<void> {
    await this.page.reload({ timeout: OPEN_MS });
    await this.ready();
  }

  /**
   * Runs a command from the palette. `title` is what the palette shows: "Deputy: Start Session…".
   * The palette lists the commands that there are when it opens, so it is opened again while the
   * command is missing: in a window that has just come up it is not there at once.
   */
  async command(title: string): Promise<void> {
    const row = this.quickRow(title).first();
    for (let attempt = 1; ; attempt++) {
      await this.page.keyboard.press('F1');
      await this.quick.locator('input.input').fill(`>${title}`);
      const isLast = attempt === PALETTE_ATTEMPTS;
      const found = row.waitFor({ timeout: isLast ? ACTION_MS : ACTION_MS / PALETTE_ATTEMPTS });
      if (isLast) await found;
      else if (!(await found.then(() => true).catch(() => false))) {
        await this.cancelQuick();
        continue;
      }
      await this.page.keyboard.press('Enter');
      return;
    }
  }

  /** The rows of the open quick pick whose label starts so. */
  quickRow(label: string): Locator {
    return this.quick.locator(`.monaco-list-row[aria-label^=${quoted(label)}]`);
  }

  /** The labels of the rows that the open quick pick shows (those in sight, when it scrolls). */
  async quickRows(): Promise<string[]> {
    await this.quick.locator('.monaco-list-row').first().waitFor();
    const rows = await this.quick.locator('.monaco-list-row').all();
    return Promise.all(rows.map(async (row) => (await row.getAttribute('aria-label')) ?? ''));
  }

  /** Waits for the quick input with that title (set by the extension). */
  async quickTitle(title: string): Promise<void> {
    await this.quick.locator('.quick-input-title', { hasText: title }).waitFor();
  }

  /**
   * Answers a quick pick.
   * @param title its title
   * @param label how the row's label starts; it is also what is typed to find it
   */
  async pick(title: string, label: string): Promise<void> {
    await this.quickTitle(title);
    await this.quickRow(label).first().waitFor();
    await this.quick.locator('input.input').fill(label);
    await this.quick.locator(`.monaco-list-row.focused[aria-label^=${quoted(label)}]`).waitFor();
    await this.page.keyboard.press('Enter');
  }

  /** Answers an input box. */
  async input(title: string, text: string): Promise<void> {
    await this.quickTitle(title);
    await this.quick.locator('input.input').fill(text);
    await this.page.keyboard.press('Enter');
  }

  /** The validation message of the open input box, once it holds `text`. */
  async inputError(text: string): Promise<string> {
    const message = this.quick.locator('.quick-input-message', { hasText: text });
    await message.waitFor();
    return message.innerText();
  }

  /** Leaves the open quick input with Escape and waits until it is gone. */
  async cancelQuick(): Promise<void> {
    await this.page.keyboard.press('Escape');
    await this.quick.waitFor({ state: 'hidden' });
  }

  /** Shows a view container; by command, as a click on its icon would hide it when it is shown. */
  async openContainer(title: string): Promise<void> {
    await this.activityItem(title).waitFor();
    await this.command(`View: Show ${title}`);
  }

  /** The icon of a view container in the activity bar. */
  activityItem(title: string): Locator {
    return this.page.locator(
      `.activitybar .action-item:has(.action-label[aria-label^=${quoted(title)}])`,
    );
  }

  /** The badge on a container's icon; use `badge(…).waitFor({ state: 'hidden' })` for "none". */
  badge(title: string): Locator {
    return this.activityItem(title).locator('.badge-content');
  }

  /** A view in a container, by the name in its header. */
  pane(name: string): Locator {
    return this.page.locator(`.pane:has(.pane-header[aria-label^=${quoted(name)}])`);
  }

  /** The tree rows of a view whose accessible label starts so. */
  row(pane: string, label: string): Locator {
    return this.pane(pane).locator(`[role=treeitem][aria-label^=${quoted(label)}]`);
  }

  /** Waits until the row that starts with `label` holds `text`, for example a state. */
  async rowWithText(
    pane: string,
    label: string,
    text: string | RegExp,
    timeoutMs = ACTION_MS,
  ): Promise<Locator> {
    const row = this.row(pane, label).filter({ hasText: text }).first();
    await row.waitFor({ timeout: timeoutMs });
    return row;
  }

  /** Waits until a row of a view ends with that mark. */
  async rowWithMark(pane: string, mark: string): Promise<void> {
    // A mark has no element of its own that could be waited for; each look waits for the next frame.
    for (const start = Date.now(); Date.now() - start < ACTION_MS;) {
      if ((await this.rows(pane)).some(({ decoration }) => decoration === mark)) return;
      await this.page.evaluate('new Promise((resolve) => requestAnimationFrame(resolve))');
    }
    throw new Error(`No row of ${pane} has the mark ${mark}.`);
  }

  /** All rows of a view that are rendered now, top down. */
  rows(pane: string): Promise<TreeRow[]> {
    return this.pane(pane).locator('[role=treeitem]').evaluateAll(readRows);
  }

  /** An action in a row (shown on hover) or in a view's title bar, by its label. */
  action(within: Locator, label: string): Locator {
    return within.locator(`.action-label[aria-label^=${quoted(label)}]`);
  }

  /** Hovers over something and gives the text of its tooltip. */
  async hover(target: Locator): Promise<string> {
    await target.hover();
    const hover = this.page.locator('.monaco-hover:visible, .workbench-hover:visible').first();
    await hover.waitFor();
    return hover.innerText();
  }

  /** Opens the context menu of something and gives its items' labels. */
  async openContextMenu(target: Locator): Promise<string[]> {
    await target.click({ button: 'right' });
    const items = this.page.locator('.monaco-menu').first().getByRole('menuitem');
    await items.first().waitFor();
    return (await items.allInnerTexts()).map((text) => text.trim()).filter((text) => text !== '');
  }

  /** Opens the context menu of something and chooses the item. */
  async contextMenu(target: Locator, item: string): Promise<void> {
    await this.openContextMenu(target);
    const menu = this.page.locator('.monaco-menu').first();
    // Not a click: a menu ignores the mouse button for its first 100 ms.
    await menu.getByRole('menuitem', { name: item }).hover();
    await this.page.keyboard.press('Enter');
    await menu.waitFor({ state: 'hidden' });
  }

  /** The toast (notification) with that text; wait on it, or ask for its `innerText()`. */
  toast(text: string | RegExp): Locator {
    return this.page.locator('.notification-toast', { hasText: text }).first();
  }

  /** Clicks a button of a toast. */
  async toastAction(text: string | RegExp, button: string): Promise<void> {
    await this.toast(text).locator('.monaco-button', { hasText: button }).click();
  }

  /** The modal dialog that is open. */
  dialog(): Locator {
    return this.page.locator('.monaco-dialog-box');
  }

  /** Clicks a button of the modal dialog and waits until the dialog is gone. */
  async dialogAction(button: string): Promise<void> {
    await this.dialog().locator('.monaco-button', { hasText: button }).click();
    await this.dialog().waitFor({ state: 'hidden' });
  }

  /** The status bar item with that text. */
  status(text: string | RegExp): Locator {
    return this.page.locator('.statusbar-item', { hasText: text }).first();
  }

  /** The tab of an editor, by how its title starts. */
  tab(title: string): Locator {
    return this.page.locator(`.tab[aria-label^=${quoted(title)}]`);
  }

  /** What the active terminal shows now; empty lines included. */
  async terminalText(): Promise<string> {
    await this.command('Terminal: Select All');
    await this.command('Terminal: Copy Selection');
    return this.page.evaluate('navigator.clipboard.readText()');
  }

  /** How long an extension took to activate (loading and its activate call), in milliseconds. */
  async activationMs(displayName: string): Promise<number> {
    await this.command('Developer: Show Running Extensions');
    const row = this.page
      .locator('.runtime-extensions-editor .monaco-list-row', { hasText: displayName })
      .filter({ hasText: /Activation: \d+ms/ })
      .first();
    const text = await row.innerText();
    await this.command('View: Close All Editors');
    return Number(/Activation: (\d+)ms/.exec(text)?.[1]);
  }

  /** Saves what the window shows as `test/ui/out/<name>.png` and gives the file's path. */
  async screenshot(name: string): Promise<string> {
    const folder = path.join(repoRoot(), 'test/ui/out');
    await fs.mkdir(folder, { recursive: true });
    const file = path.join(folder, `${name}.png`);
    await this.page.screenshot({ path: file });
    return file;
  }

  private async ready(): Promise<void> {
    await this.page.locator('.monaco-workbench').waitFor({ timeout: OPEN_MS });
  }
}

/** A string for a CSS attribute selector. */
function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
