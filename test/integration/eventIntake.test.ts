import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { silentLogger } from '../../src/base/log';
import type { Later } from '../../src/base/timers';
import type { SessionEvent } from '../../src/domain/events';
import { HandoffBook } from '../../src/routing/handoffBook';
import { EventIntake } from '../../src/session/eventIntake';
import type { RunnerLink } from '../../src/session/ports';
import type { DurableStore } from '../../src/store/durableStore';
import { makeEvents, makeSession } from '../support/sessions';
import { openStore } from '../support/stores';
import { makeTempFolder, removeTempFolder } from '../support/tempFolder';

const KB = 1024;

type IntakeLink = Pick<RunnerLink, 'pause' | 'resume' | 'acknowledge'>;

/** A link whose runner has endless output, and hands it out whenever it is read. */
class FloodingLink implements IntakeLink {
  isPaused = false;
  /** What it has handed out, in UTF-16 units. */
  givenChars = 0;
  readonly acknowledged: number[] = [];
  private seq = 0;

  constructor(
    private readonly take: (event: SessionEvent, link: IntakeLink) => void,
    private readonly pieceChars: number,
    private readonly count: number,
  ) {}

  /** Hands out what it has, until it is paused. */
  read(): void {
    while (!this.isPaused && this.seq < this.count) {
      const text = String(++this.seq).padEnd(this.pieceChars, '.');
      this.givenChars += text.length;
      this.take({ seq: this.seq, at: this.seq, type: 'text', text }, this);
    }
  }

  get isOver(): boolean {
    return this.seq >= this.count;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    // As a socket does, not from within.
    setImmediate(() => this.read());
  }

  acknowledge(seq: number): void {
    this.acknowledged.push(seq);
  }
}

describe('EventIntake', () => {
  let folder: string;
  let store: DurableStore;
  let intakes: EventIntake[];
  /** What is to be done later, and is when the test says so. */
  let timers: (() => void)[];

  const later: Later = (_ms, action) => {
    timers.push(action);
    return { dispose: () => (timers = timers.filter((it) => it !== action)) };
  };
  const open = (): EventIntake => {
    const work = new HandoffBook(store, () => 0);
    const parts = { store, work, later, log: silentLogger };
    const intake = new EventIntake(parts, (_id, error) => assert.fail(String(error)));
    intakes.push(intake);
    return intake;
  };
  const record = (id: string): { seq: number; calls: number; tokens: number } => {
    const session = store.sessions.get(id);
    assert.ok(session);
    const { toolCalls, tokensUsed } = session.metrics;
    return { seq: session.appliedSeq, calls: toolCalls, tokens: tokensUsed };
  };

  beforeEach(async () => {
    folder = await makeTempFolder();
    store = await openStore(folder);
    intakes = [];
    timers = [];
    store.mutate(() => {
      for (const id of ['a', 'b', 'c']) store.sessions.insert(makeSession({ id }));
    });
  });
  afterEach(async () => {
    for (const intake of intakes) intake.dispose();
    await store.close();
    await removeTempFolder(folder);
  });

  const quiet = { pause: () => undefined, resume: () => undefined, acknowledge: () => undefined };
  const BEGIN = makeEvents([
    { type: 'turn-started', commandId: 't', prompt: 'go' },
    { type: 'text', text: 'one' },
  ]);
  const OUTPUT = makeEvents(
    [
      { type: 'text', text: ' two' },
      { type: 'stderr', text: '!' },
    ],
    3,
  );
  const CALL = { title: 'ls', kind: 'execute', locations: [], output: undefined };
  const END = makeEvents(
    [
      { type: 'tool-call', toolCallId: 'x', status: 'in_progress', ...CALL },
      { type: 'tool-update', toolCallId: 'x', output: 'a' },
      { type: 'tool-update', toolCallId: 'x', status: 'completed' },
      {
        type: 'turn-ended',
        commandId: 't',
        stopReason: 'end_turn',
        error: undefined,
        tokens: 7,
      },
    ],
    5,
  );

  it('hands output out at once, and stores how far it came with the next change', async () => {
    const intake = open();
    const seen: number[] = [];
    let changes = 0;
    intake.onDidApply(({ events }) => seen.push(...events.map(({ seq }) => seq)));
    store.onDidChange(() => (changes += 1));
    intake.apply('a', BEGIN);
    for (const event of OUTPUT) intake.take('a', event, quiet);
    await nextTurn();
    assert.deepEqual([seen, changes, record('a').seq, intake.seqOf('a')], [[1, 2, 3, 4], 1, 2, 4]);
    intake.apply('a', END);
    assert.deepEqual([seen.length, changes], [8, 2]);
    assert.deepEqual(record('a'), { seq: 8, calls: 1, tokens: 7 });
  });

  it('stores it after a while, also when nothing changes', async () => {
    const intake = open();
    intake.apply('a', BEGIN);
    for (const event of OUTPUT) intake.take('a', event, quiet);
    await nextTurn();
    assert.deepEqual([record('a').seq, timers.length], [2, 1]);
    timers.splice(0)[0]?.();
    assert.deepEqual([record('a').seq, store.sessions.get('a')?.lastEventAt], [4, 4_000]);
    assert.equal(timers.length, 0);
  });

  it('stores it when it ends', async () => {
    const intake = open();
    intake.apply('a', BEGIN);
    for (const event of OUTPUT) intake.take('a', event, quiet);
    intake.dispose();
    assert.equal(record('a').seq, 4);
  });

  for (const applied of [0, 1, 2, 3, 4, 5, 6, 7, 8]) {
    it(`counts nothing twice after a crash when ${applied} of 8 events were applied`, async () => {
      const all = [...BEGIN, ...OUTPUT, ...END];
      const before = open();
      for (const event of all.slice(0, applied)) before.apply('a', [event]);
      const stored = record('a').seq;
      assert.ok(stored <= applied);
      const after = open();
      const heard: number[] = [];
      after.onDidApply(({ events }) => heard.push(...events.map(({ seq }) => seq)));
      after.apply(
        'a',
        all.filter(({ seq }) => seq > stored),
      );
      assert.deepEqual(
        heard,
        all.map(({ seq }) => seq).filter((seq) => seq > stored),
      );
      assert.deepEqual(record('a'), { seq: 8, calls: 1, tokens: 7 });
      // A call that the window before had seen the beginning of is not known to the next one.
      assert.equal(store.toolLog.count('a'), applied === 5 || applied === 6 ? 0 : 1);
      assert.equal(store.turns.list('a').length, 1);
      // This one crashed: it must not store what it had.
      intakes.shift();
    });
  }

  it('reads no more of a flood than it has applied, but for a little', async () => {
    const intake = open();
    let appliedChars = 0;
    let most = 0;
    const flood = new FloodingLink((event, from) => intake.take('a', event, from), 8 * KB, 400);
    intake.onDidApply(({ events }) => {
      most = Math.max(most, flood.givenChars - appliedChars);
      for (const event of events) if (event.type === 'text') appliedChars += event.text.length;
    });
    flood.read();
    assert.ok(flood.isPaused);
    while (intake.seqOf('a') < 400) await nextTurn();
    assert.equal(appliedChars, 400 * 8 * KB);
    assert.ok(most <= 72 * KB, `${most} waited`);
  });

  it('gives every session its turn, and others the event loop in between', async () => {
    const intake = open();
    const order: string[] = [];
    let turns = 0;
    const turnsAt: number[] = [];
    intake.onDidApply(({ sessionId }) => {
      order.push(sessionId);
      turnsAt.push(turns);
    });
    const floods = ['a', 'b'].map(
      (id) => new FloodingLink((event, from) => intake.take(id, event, from), 16 * KB, 90),
    );
    for (const flood of floods) flood.read();
    while (!floods.every(({ isOver }) => isOver)) {
      turns += 1;
      if (turns === 3) intake.take('c', { seq: 1, at: 1, type: 'text', text: 'hi' }, quiet);
      await nextTurn();
    }
    const others = order.filter((id) => id !== 'c').join('');
    assert.match(others, /^(ab)+a?$/);
    // What is small waits for no flood.
    assert.ok(order.indexOf('c') < 4, order.join(''));
    assert.equal(new Set(turnsAt.slice(3)).size, turnsAt.length - 3);
  });

  it('tells a runner from time to time what is durable, and nothing else', async () => {
    const intake = open();
    const flood = new FloodingLink((event, from) => intake.take('a', event, from), 16 * KB, 20);
    let synced = 0;
    const acknowledgedAt: number[] = [];
    const sync = store.synced.bind(store);
    store.synced = async () => {
      await sync();
      synced += 1;
    };
    flood.acknowledge = (seq) => acknowledgedAt.push(seq, synced, record('a').seq);
    flood.read();
    while (intake.seqOf('a') < 20) await nextTurn();
    assert.deepEqual(acknowledgedAt, []);
    for (const action of timers.splice(0)) action();
    while (acknowledgedAt.length === 0) await nextTurn();
    assert.deepEqual(acknowledgedAt, [20, 1, 20]);
    intake.take('a', { seq: 21, at: 21, type: 'text', text: 'little' }, flood);
    await nextTurn();
    for (const action of timers.splice(0)) action();
    await sync();
    assert.deepEqual([acknowledgedAt.length, record('a').seq], [3, 21]);
  });

  it('applies what is read from a log in batches, also what comes before a damaged place', async () => {
    const intake = open();
    async function* read(): AsyncGenerator<SessionEvent> {
      yield* [...BEGIN, ...OUTPUT];
      throw new SyntaxError('damaged');
    }
    const { count, failure } = await intake.applyAll('a', read());
    assert.deepEqual([count, record('a').seq], [4, 4]);
    assert.ok(failure instanceof SyntaxError);
  });
});
