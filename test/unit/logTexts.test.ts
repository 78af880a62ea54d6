import assert from 'node:assert/strict';
import { DEFAULT_RISK_THRESHOLDS } from '../../src/domain/risk';
import { formatActivity, formatToolLog } from '../../src/session/logTexts';

describe('formatToolLog', () => {
  const entry = {
    id: 1,
    sessionId: 's',
    toolName: 'bash',
    inputSummary: 'rm -rf\nbuild',
    outputSummary: '',
    durationMs: 1_250,
    riskScore: 0.65,
    timestamp: 0,
  };

  it('shows a call a line with its risk and what is suggested', () => {
    const entries = [entry, { ...entry, toolName: 'read', riskScore: 0.05 }];
    const text = formatToolLog('s', { entries, total: 2 }, DEFAULT_RISK_THRESHOLDS);
    assert.equal(
      text,
      [
        'Tool calls of session s: 2',
        '',
        'Time                 Tool  Risk  Suggested             Duration  Input',
        '1970-01-01 00:00:00  bash  0.65  require confirmation  1.3 s     rm -rf build',
        '1970-01-01 00:00:00  read  0.05  allow                 1.3 s     rm -rf build',
        '',
      ].join('\n'),
    );
  });

  it('says when there are more than it shows, or none', () => {
    const some = formatToolLog('s', { entries: [entry], total: 3 }, DEFAULT_RISK_THRESHOLDS);
    assert.match(some, /the newest 1 of 3/);
    const none = formatToolLog('s', { entries: [], total: 0 }, DEFAULT_RISK_THRESHOLDS);
    assert.equal(none, 'Tool calls of session s: 0\n');
  });
});

describe('formatActivity', () => {
  it('shows an entry a line', () => {
    const entries = [
      { at: 0, kind: 'dispatch', detail: '1 lead' },
      { at: 0, kind: 'assign', detail: 'a: to\nb' },
    ];
    assert.equal(
      formatActivity(entries),
      [
        'The latest 2 entries, the newest first',
        '',
        '1970-01-01 00:00:00  dispatch  1 lead',
        '1970-01-01 00:00:00  assign    a: to b',
        '',
      ].join('\n'),
    );
    assert.match(formatActivity([]), /nothing by itself/);
  });
});
