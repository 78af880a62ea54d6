import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import * as z from 'zod';
import { errorCode, messageOf, UserError } from '../../base/errors';
import { ensurePrivateFolder, writeFileAtomic } from '../../base/files';

const conversationFile = z.object({
  version: z.literal(1),
  id: z.string(),
  /** Absolute path of the folder that the conversation works in. */
  cwd: z.string(),
  /** ISO 8601. */
  updatedAt: z.string(),
  /** Tokens of all turns. */
  tokens: z.number(),
  /** US dollars of all turns; absent while none were told. */
  costUsd: z.number().optional(),
  turns: z.array(
    z.object({
      prompt: z.string(),
      /** What the agent said; empty while the turn runs, and after a crash. */
      reply: z.string(),
      /** ACP's stop reason, or `error`; absent while the turn runs, and after a crash. */
      stopReason: z.string().optional(),
    }),
  ),
});

/** What is kept of a conversation. */
export type Conversation = z.infer<typeof conversationFile>;

/** A conversation was asked for that is not there. */
export class UnknownConversationError extends UserError {
  override name = 'UnknownConversationError';

  constructor(readonly id: string) {
    super(`The rehearsal agent knows no conversation "${id}".`);
  }
}

/** A conversation's file holds something else than a conversation. */
export class UnreadableConversationError extends UserError {
  override name = 'UnreadableConversationError';

  constructor(
    readonly file: string,
    cause: unknown,
  ) {
    super(`${file} does not hold a conversation: ${messageOf(cause)}`, { cause });
  }
}

/** Keeps conversations on disk: one JSON file each, readable by the user only. */
export class ConversationStore {
  /** @param folder absolute path; made when the first conversation is saved */
  constructor(private readonly folder: string) {}

  /** Begins a conversation about `cwd` and saves it. */
  async create(cwd: string): Promise<Conversation> {
    const conversation: Conversation = {
      version: 1,
      id: randomUUID(),
      cwd,
      updatedAt: '',
      tokens: 0,
      turns: [],
    };
    await this.save(conversation);
    return conversation;
  }

  /** Saves it as a whole; a crash leaves the old or the new one. Sets `updatedAt`. */
  async save(conversation: Conversation): Promise<void> {
    conversation.updatedAt = new Date().toISOString();
    await ensurePrivateFolder(this.folder);
    await writeFileAtomic(this.fileOf(conversation.id), JSON.stringify(conversation));
  }

  /**
   * @throws {UnknownConversationError} when there is none with this id
   * @throws {UnreadableConversationError} when its file is damaged
   */
  async read(id: string): Promise<Conversation> {
    // The id comes from outside and becomes part of a path.
    if (!/^[0-9a-f-]{36}$/.test(id)) throw new UnknownConversationError(id);
    const file = this.fileOf(id);
    let content: string;
    try {
      content = await fs.readFile(file, 'utf8');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') throw new UnknownConversationError(id);
      throw error;
    }
    try {
      return conversationFile.parse(JSON.parse(content));
    } catch (error) {
      throw new UnreadableConversationError(file, error);
    }
  }

  /**
   * All conversations, the latest first.
   * @param onUnreadable called for each one that is left out because its file is damaged
   */
  async list(onUnreadable: (error: UnreadableConversationError) => void): Promise<Conversation[]> {
    const found: Conversation[] = [];
    for (const id of await this.ids()) {
      try {
        found.push(await this.read(id));
      } catch (error) {
        if (error instanceof UnreadableConversationError) onUnreadable(error);
        else if (!(error instanceof UnknownConversationError)) throw error;
      }
    }
    return found.sort((a, b) => b.updatedAt.localeCompare(a.updatedAt));
  }

  private async ids(): Promise<string[]> {
    try {
      const names = await fs.readdir(this.folder);
      return names.filter((name) => name.endsWith('.json')).map((name) => path.parse(name).name);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    }
  }

  private fileOf(id: string): string {
    return path.join(this.folder, `${id}.json`);
  }
}
