import assert from 'node:assert/strict';
import { findLimitNotice, findUsageLimit } from '../../src/domain/usageLimit';

/** Wednesday, noon in UTC; 7 in the morning in New York. */
const NOW = Date.UTC(2026, 10, 25, 12, 0);

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** When it resets, as ISO text; 'never' for no limit at all. */
function resetOf(evidence: unknown, now = NOW, zone = 'UTC'): string | undefined {
  const limit = findUsageLimit(evidence, now, zone);
  if (!limit) return 'no limit';
  return limit.resetsAt === undefined ? undefined : new Date(limit.resetsAt).toISOString();
}

const after = (ms: number): string => new Date(NOW + ms).toISOString();

describe('findUsageLimit', () => {
  it('knows what Claude Code says', () => {
    // anthropics/claude-code#11429, #6119, #2490; its releases up to 1.0.
    assert.equal(resetOf('Claude AI usage limit reached|1762952400'), '2025-11-12T13:00:00.000Z');
    assert.equal(
      resetOf('Claude usage limit reached. Your limit will reset at 5pm (Europe/Warsaw).'),
      '2026-11-25T16:00:00.000Z',
    );
    assert.equal(
      resetOf('Claude usage limit reached. Your limit will reset at 3pm (America/Bogota).'),
      '2026-11-25T20:00:00.000Z',
    );
    // anthropics/claude-code#2087: the sign of these zones is the other way round.
    assert.equal(
      resetOf('Claude usage limit reached. Your limit will reset at 1pm (Etc/GMT+5).'),
      '2026-11-25T18:00:00.000Z',
    );
    // Its releases of late 2025.
    assert.equal(resetOf('5-hour limit reached ∙ resets 3pm'), '2026-11-25T15:00:00.000Z');
    assert.equal(
      resetOf('Opus weekly limit reached ∙ resets Dec 1, 1pm'),
      '2026-12-01T13:00:00.000Z',
    );
    // anthropics/claude-code#52575, #22976, #74079, #79136; 2.1.
    assert.equal(
      resetOf("You've hit your limit · resets 4:50am (Europe/Rome)"),
      '2026-11-26T03:50:00.000Z',
    );
    assert.equal(
      resetOf("You've hit your limit - resets Feb 7, 11am (Asia/Seoul)/login to switch"),
      '2027-02-07T02:00:00.000Z',
    );
    assert.equal(
      resetOf("You've hit your session limit · resets 12:50am (America/Los_Angeles)"),
      '2026-11-26T08:50:00.000Z',
    );
    assert.equal(
      resetOf("You're out of extra usage · resets 2pm (Asia/Shanghai)"),
      '2026-11-26T06:00:00.000Z',
    );
    assert.equal(
      resetOf('You’ve hit your limit · resets Feb 3 at 10am'),
      '2027-02-03T10:00:00.000Z',
    );
    // Seen with 2.1.331 against a server that refuses; an earlier release names no time.
    assert.equal(
      resetOf('API Error: Request rejected (429) · The usage limit has been reached'),
      undefined,
    );
    assert.equal(resetOf('Credit balance is too low'), undefined);
  });

  it('knows what Codex says', () => {
    // openai/codex#3899, #3257: relative, up to 0.4x; wrapped by a terminal.
    assert.equal(
      resetOf(
        "You've hit your usage limit. Upgrade to Pro (https://openai.com/chatgpt/pricing) or try again in 5 days 22 hours 11\nminutes.",
      ),
      after(5 * DAY + 22 * HOUR + 11 * 60_000),
    );
    assert.equal(
      resetOf("You've hit your usage limit. Try again in 3 days 4 hours."),
      after(3 * DAY + 4 * HOUR),
    );
    assert.equal(resetOf("You've hit your usage limit. Try again in 3 minutes."), after(180_000));
    // openai/codex#26668, and its source: local time, with a date unless it is today.
    assert.equal(
      resetOf(
        "You've hit your usage limit. Upgrade to Plus to continue using Codex (https://chatgpt.com/explore/plus), or try again at Jul 5th, 2027 8:19 PM.",
        NOW,
        'Europe/Berlin',
      ),
      '2027-07-05T18:19:00.000Z',
    );
    assert.equal(
      resetOf(
        'You’ve hit your usage limit. Upgrade to Pro (https://chatgpt.com/explore/pro), visit https://chatgpt.com/settings/usage to purchase more credits or try again at 3:04 PM.',
      ),
      '2026-11-25T15:04:00.000Z',
    );
    assert.equal(
      resetOf("You've hit your usage limit. Try again at Nov 25th, 2025 3:04 PM."),
      '2025-11-25T15:04:00.000Z',
    );
    assert.equal(resetOf("You've hit your usage limit. Try again later."), undefined);
    // openai/codex#28089: in the language of its person; that there is a limit counts all the same.
    assert.equal(
      resetOf("You've hit your usage limit. Or try again at 10 de jul. de 2026, 11:52."),
      undefined,
    );
  });

  it('knows the bodies of refused requests', () => {
    const seconds = NOW / 1000 + 602_705;
    // james-6-23/codex2api#9, and seen by Codex 0.169.
    const body = {
      error: {
        type: 'usage_limit_reached',
        message: 'The usage limit has been reached',
        plan_type: 'free',
        resets_at: seconds,
        resets_in_seconds: 602_705,
      },
    };
    assert.equal(resetOf(body), after(602_705_000));
    assert.equal(resetOf(`unexpected status 429: ${JSON.stringify(body)}`), after(602_705_000));
    assert.equal(
      resetOf({ error: { type: 'usage_limit_reached', resets_in_seconds: 60 } }),
      after(60_000),
    );
    // handarbeit/fabrik#1815: Claude Code's account of its limits.
    assert.equal(
      resetOf({ api_error: 'usage_limit_reached', info: { resetsAt: seconds } }),
      after(602_705_000),
    );
    assert.equal(resetOf('429 Too Many Requests, retry-after: 7200'), after(2 * HOUR));
    assert.equal(
      resetOf('Error 429: rate limit, resets_at="2026-11-26T00:00:00Z"'),
      '2026-11-26T00:00:00.000Z',
    );
    assert.equal(resetOf({ error: { code: 'insufficient_quota' } }), undefined);
  });

  it('takes what passes in seconds for no limit', () => {
    for (const text of [
      '{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your account\'s rate limit. Please try again later."}}',
      'Rate limit reached for gpt-5 on tokens per min (TPM): Limit 30000, Used 29000. Please try again in 1.2s.',
      '429 Too Many Requests, retry-after: 12',
      'You exceeded your current quota. Please retry in 34.5s.',
      "You've hit your rate limit. Try again in 20 seconds.",
      'API Error: 529 overloaded_error',
      'context limit reached',
      'the file was not found',
      '',
    ]) {
      assert.equal(resetOf(text), 'no limit', text);
    }
    for (const value of [undefined, null, 3, {}, [], () => 0]) {
      assert.equal(resetOf(value), 'no limit');
    }
  });

  it('counts by the clocks of the zone, also on the day that they change', () => {
    // New York leaves daylight saving time on 1 November 2026 at 2 in the morning.
    const before = Date.UTC(2026, 10, 1, 3, 30);
    const notice = "You've hit your limit · resets 9am (America/New_York)";
    assert.equal(resetOf(notice, before), '2026-11-01T14:00:00.000Z');
    assert.equal(resetOf(notice, Date.UTC(2026, 6, 1, 3, 30)), '2026-07-01T13:00:00.000Z');
    // It is already the next day there.
    assert.equal(
      resetOf("You've hit your limit · resets 1am (Asia/Tokyo)", Date.UTC(2026, 10, 25, 15, 30)),
      '2026-11-25T16:00:00.000Z',
    );
  });

  it('knows that a time which has just passed is not one of tomorrow', () => {
    assert.equal(resetOf("You've hit your limit · resets 12pm (UTC)", NOW + 5 * 60_000), after(0));
    assert.equal(resetOf("You've hit your limit · resets 12pm (UTC)", NOW + HOUR), after(DAY));
    assert.equal(resetOf("You've hit your limit · resets at 6pm tomorrow"), after(30 * HOUR));
  });

  it('survives zones, hours and dates that do not exist', () => {
    const at = (when: string): string | undefined =>
      resetOf(`You've hit your limit · resets ${when}`);
    assert.equal(at('3pm (Mars/Olympus)'), '2026-11-25T15:00:00.000Z');
    assert.equal(at('99:99'), undefined);
    assert.equal(at('soon'), undefined);
    assert.equal(at('at 2026-99-99T00:00:00Z'), undefined);
  });

  it('keeps what was said, cut', () => {
    const limit = findUsageLimit(
      `Claude AI usage limit reached|1762952400 ${'x'.repeat(9_000)}`,
      0,
    );
    assert.equal(limit?.text.length, 500);
    assert.ok(limit.text.startsWith('Claude AI usage limit reached|'));
  });
});

describe('findLimitNotice', () => {
  const isNotice = (text: string): boolean => findLimitNotice(text, NOW, 'UTC') !== undefined;

  it('knows a message that is nothing but the notice', () => {
    assert.ok(isNotice("You've hit your session limit · resets 9am (Europe/Berlin)"));
    assert.ok(isNotice('Claude AI usage limit reached|1762952400\n'));
    assert.ok(isNotice('5-hour limit reached ∙ resets 3pm\n     /upgrade to increase your usage'));
    assert.ok(
      isNotice("You've hit your usage limit. Visit the settings to purchase more credits."),
    );
  });

  it('takes a message about limits for none', () => {
    assert.ok(!isNotice('The error "usage limit reached" is now shown; it resets the counter.'));
    assert.ok(!isNotice('Usage limit reached is a constant in limits.ts.'));
    assert.ok(!isNotice("I fixed it. You've hit your limit · resets 9am is what users saw."));
    assert.ok(!isNotice(`You've hit your limit · resets 9am. ${'And so on. '.repeat(100)}`));
    assert.ok(!isNotice('Done.'));
  });
});
