/** From which score on a tool call gets more than a glance; each from 0 to 1. */
export interface RiskThresholds {
  /** A person should look at it afterwards. */
  readonly review: number;
  /** A person should agree first. */
  readonly confirm: number;
  /** It should not happen. */
  readonly block: number;
}

export const DEFAULT_RISK_THRESHOLDS: RiskThresholds = { review: 0.35, confirm: 0.6, block: 0.85 };

/** What a score suggests to do with a tool call. */
export type RiskAction = 'allow' | 'review' | 'require_confirmation' | 'block';

/** How risky a tool call looks. */
export interface RiskAssessment {
  /** From 0 to 1, in steps of 0.01. */
  readonly score: number;
  readonly action: RiskAction;
  /** A few words for each thing that added to the score. */
  readonly reasons: readonly string[];
}

/**
 * Judges a tool call by its words: which tool it is, how sensitive what it touches is, how far it
 * reaches, and whether it can be undone. A hint for people; what is harmful can look harmless.
 * @param tool name of the tool, or the kind that an agent reports; upper and lower case alike
 * @param input what the tool is given, as text
 */
export function scoreToolCall(
  tool: string,
  input: string,
  thresholds: RiskThresholds = DEFAULT_RISK_THRESHOLDS,
): RiskAssessment {
  // Blanks are made one, so that `rm   -rf` is what it is.
  const text = input.toLowerCase().replace(/\s+/g, ' ');
  const findings = [TOOL_FINDINGS[toolClass(tool)]];
  for (const part of PARTS) {
    const rule = part.find(({ words }) => words.some((word) => text.includes(word)));
    if (rule) findings.push(rule);
  }
  // Whole hundredths: sums of fractions like 0.2 and 0.35 would miss a threshold by a hair.
  const points = findings.reduce((sum, finding) => sum + finding.points, 0);
  const score = Math.min(points, 100) / 100;
  return {
    score,
    action: suggestedAction(score, thresholds),
    reasons: findings.map(({ reason }) => reason),
  };
}

/** What a score suggests, see {@link RiskAction}. */
export function suggestedAction(score: number, thresholds: RiskThresholds): RiskAction {
  if (score >= thresholds.block) return 'block';
  if (score >= thresholds.confirm) return 'require_confirmation';
  return score >= thresholds.review ? 'review' : 'allow';
}

/** Something that adds to a score. */
interface Finding {
  /** Hundredths of the score. */
  readonly points: number;
  readonly reason: string;
}

type ToolClass = 'bash' | 'write' | 'edit' | 'other';

const TOOL_FINDINGS: Readonly<Record<ToolClass, Finding>> = {
  bash: { points: 20, reason: 'runs a command' },
  write: { points: 15, reason: 'writes, moves or deletes files' },
  edit: { points: 10, reason: 'edits files' },
  other: { points: 5, reason: 'uses a tool of another kind' },
};

/** Names that tools have in different agents, without punctuation, and the kinds that agents report. */
const TOOL_NAMES: Readonly<Record<Exclude<ToolClass, 'other'>, string>> = {
  bash:
    'bash execute executecommand exec execcommand run runcommand runinterminal runshellcommand ' +
    'runterminalcommand shell shellcommand localshell terminal command powershell pwsh cmd sh zsh',
  // What deletes or moves a file takes away as much as what writes over it.
  write:
    'write writefile multiedit create createfile delete deletefile remove removefile move movefile ' +
    'rename renamefile',
  edit:
    'edit editfile notebookedit patch applypatch replace replaceinfile searchreplace strreplace ' +
    'insert update updatefile',
};

const TOOL_CLASSES: ReadonlyMap<string, ToolClass> = new Map(
  (['bash', 'write', 'edit'] as const).flatMap((tool) =>
    TOOL_NAMES[tool].split(' ').map((name) => [name, tool] as const),
  ),
);

function toolClass(tool: string): ToolClass {
  // Tools of a server are called `mcp__<server>__<name>`.
  const name = tool.slice(tool.lastIndexOf('__') + 1).toLowerCase();
  return TOOL_CLASSES.get(name.replace(/[^a-z]/g, '')) ?? 'other';
}

/** Words in what a tool is given, any of which counts. */
interface Rule extends Finding {
  readonly words: readonly string[];
}

/** Of each part, the first rule that fits counts, and counts once. */
const PARTS: readonly (readonly Rule[])[] = [
  [
    {
      points: 25,
      reason: 'touches secrets or credentials',
      words: [
        '.env',
        'secret',
        'credential',
        'token',
        'api_key',
        'apikey',
        'auth',
        'id_rsa',
        '.pem',
        '.key',
      ],
    },
    {
      points: 15,
      reason: 'touches what the whole project depends on',
      words: [
        'cargo.toml',
        'package.json',
        'dockerfile',
        '.github/workflows',
        'schema',
        'migration',
        'production',
      ],
    },
  ],
  [
    {
      points: 35,
      reason: 'reaches what others share, or everything there is',
      words: [
        'git push --force',
        'git push -f',
        'origin main',
        'origin master',
        'rm -rf .',
        'rm -rf /',
      ],
    },
    {
      points: 25,
      reason: 'reaches many files at once',
      words: [
        '**',
        '/*',
        '--all',
        '--recursive',
        'entire repo',
        'all files',
        'across src/',
        'find ',
        ' xargs ',
      ],
    },
  ],
  [
    {
      points: 45,
      reason: 'destroys what cannot be brought back',
      words: [
        'rm -rf',
        'git reset --hard',
        'git clean -fd',
        'drop database',
        'drop table',
        'truncate ',
        'shred ',
      ],
    },
    {
      points: 40,
      reason: 'is hard to undo',
      words: ['rm -f', 'git push --force', 'git push -f', 'delete from'],
    },
  ],
];
