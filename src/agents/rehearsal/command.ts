/** One line of a task, understood. */
export type Command =
  | { readonly kind: 'say'; readonly text: string }
  | { readonly kind: 'think'; readonly text: string }
  | { readonly kind: 'plan'; readonly steps: readonly string[] }
  | { readonly kind: 'write'; readonly path: string; readonly text: string }
  | { readonly kind: 'append'; readonly path: string; readonly text: string }
  | { readonly kind: 'read'; readonly path: string }
  | { readonly kind: 'delete'; readonly path: string }
  | { readonly kind: 'run'; readonly program: string; readonly args: readonly string[] }
  | { readonly kind: 'commit'; readonly message: string }
  | { readonly kind: 'ask'; readonly title: string }
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'pace'; readonly ms: number }
  | { readonly kind: 'fail'; readonly message: string }
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'crash' }
  | { readonly kind: 'flood'; readonly kilobytes: number }
  | { readonly kind: 'count'; readonly lines: number; readonly ms: number }
  | { readonly kind: 'usage'; readonly tokens: number; readonly usd: number | undefined }
  | { readonly kind: 'recall' }
  | { readonly kind: 'refuse' }
  | { readonly kind: 'stderr'; readonly text: string }
  | { readonly kind: 'help' }
  | { readonly kind: 'ignore-sigterm' }
  | { readonly kind: 'spawn-detached' }
  /** A line that is no command: part of a sentence for a person. */
  | { readonly kind: 'text'; readonly text: string }
  /** A line that begins as a command and cannot be done; `why` is for a person. */
  | { readonly kind: 'problem'; readonly line: string; readonly why: string };
