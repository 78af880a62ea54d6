import assert from 'node:assert/strict';
import { PacedText } from '../../src/editor/pacedText';

const LINE = `${'x'.repeat(99)}\n`;

/** A paced text whose time is moved by hand. */
class Stage {
  readonly shown: string[] = [];
  private nowMs = 0;
  private timers: { readonly atMs: number; readonly action: () => void }[] = [];
  readonly text = new PacedText(
    (text) => this.shown.push(text),
    (ms, action) => {
      const timer = { atMs: this.nowMs + ms, action };
      this.timers.push(timer);
      return { dispose: () => (this.timers = this.timers.filter((it) => it !== timer)) };
    },
    () => this.nowMs,
  );

  get all(): string {
    return this.shown.join('');
  }

  pass(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      const [next] = this.timers.sort((a, b) => a.atMs - b.atMs);
      if (!next || next.atMs > endMs) break;
      this.timers.shift();
      this.nowMs = next.atMs;
      next.action();
    }
    this.nowMs = endMs;
  }

  /** Numbered lines of 100 characters. */
  flood(from: number, to: number): string {
    let text = '';
    for (let n = from; n < to; n++) {
      const line = `${String(n).padEnd(99, '.')}\n`;
      text += line;
      this.text.write(line);
    }
    return text;
  }
}

describe('PacedText', () => {
  it('shows what comes within a moment as one piece', () => {
    const stage = new Stage();
    stage.text.write('a');
    stage.text.write('b');
    assert.deepEqual(stage.shown, []);
    stage.pass(50);
    assert.deepEqual(stage.shown, ['ab']);
    stage.text.write('c');
    stage.pass(50);
    assert.deepEqual(stage.shown, ['ab', 'c']);
  });

  it('does not wait with what is large', () => {
    const stage = new Stage();
    stage.flood(0, 1_000);
    assert.deepEqual([stage.shown.length, stage.all.length], [1, 65_600]);
  });

  it('shows a burst of some megabytes as it is', () => {
    const stage = new Stage();
    const text = stage.flood(0, 40_000);
    stage.pass(50);
    assert.equal(stage.all, text);
  });

  it('shows any amount as it is that comes no faster than a build log', () => {
    const stage = new Stage();
    let text = '';
    for (let n = 0; n < 800; n++) {
      text += stage.flood(n * 60, (n + 1) * 60);
      stage.pass(100);
    }
    assert.equal(stage.all, text);
  });

  it('leaves the middle of a flood out, says how much, and shows how it ended', () => {
    const stage = new Stage();
    const text = stage.flood(0, 100_000);
    stage.pass(1_000);
    const note = /… ([\d,]+) characters are left out here.*\n/.exec(stage.all);
    assert.ok(note);
    const before = stage.all.slice(0, note.index);
    const after = stage.all.slice(note.index + note[0].length);
    assert.ok(text.startsWith(before) && before.endsWith('\n'));
    assert.ok(text.endsWith(after) && after.startsWith(String(100_000 - after.length / 100)));
    const leftOut = Number(note[1]?.replaceAll(',', ''));
    assert.equal(before.length + leftOut + after.length, text.length);
    assert.ok(before.length > 4_000_000 && after.length > 15_000);
    stage.text.write(LINE);
    stage.pass(50);
    assert.ok(stage.all.endsWith(after + LINE));
  });

  it('shows something from time to time of a flood that does not end, and not too much', () => {
    const stage = new Stage();
    for (let n = 0; n < 400; n++) {
      stage.flood(n * 500, (n + 1) * 500);
      stage.pass(100);
    }
    const gaps = stage.all.split('characters are left out here').length - 1;
    assert.ok(gaps >= 3 && gaps <= 15, String(gaps));
    assert.ok(stage.all.length < 4_200_000 + 40_000 * 64, String(stage.all.length));
  });

  it('does not cut a character in two where there are no lines', () => {
    for (const lead of ['', 'a']) {
      const stage = new Stage();
      stage.text.write(lead + '😀'.repeat(3_000_000));
      stage.pass(1_000);
      const [, after = ''] = stage.all.split('events file.\n');
      assert.match(after, /^(😀)+$/u);
    }
  });

  it('shows nothing more once it is disposed', () => {
    const stage = new Stage();
    stage.text.write('a');
    stage.text.dispose();
    stage.pass(1_000);
    assert.deepEqual(stage.shown, []);
  });
});
