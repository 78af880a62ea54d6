import { randomUUID } from 'node:crypto';
import type { RequestPermissionResponse } from '@agentclientprotocol/sdk/unstable';
import type { PermissionOption } from '../../domain/events';
import { cut, objectsOf, oneOf, textOf, type JsonObject } from './json';
import type { OpenRequest } from '../agentConnection';

const OPTION_KINDS: readonly PermissionOption['kind'][] = [
  'allow_once',
  'allow_always',
  'reject_once',
  'reject_always',
];

/** What an agent is told when nobody answers its request. */
export const CANCELLED: RequestPermissionResponse = { outcome: { outcome: 'cancelled' } };

/**
 * The options of a permission request that Deputy understands. One of an unknown kind is left out:
 * nobody could tell whether it allows or rejects.
 */
export function readOptions(params: JsonObject): PermissionOption[] {
  const options: PermissionOption[] = [];
  for (const option of objectsOf(params['options'])) {
    const optionId = textOf(option['optionId']);
    const kind = oneOf(option['kind'], OPTION_KINDS);
    if (optionId === undefined || kind === undefined) continue;
    options.push({ optionId, kind, name: cut(textOf(option['name']) ?? optionId, 200) });
  }
  return options;
}

/** The permission requests of an agent that wait for an answer, for as long as it takes. */
export class PermissionDesk {
  private readonly waiting = new Map<string, WaitingRequest>();

  /** The requests that wait now, oldest first. */
  get open(): OpenRequest[] {
    return [...this.waiting].map(([requestId, { optionIds }]) => ({ requestId, optionIds }));
  }

  /**
   * Keeps a request until it is answered.
   * @param signal aborts when the agent withdraws its request, or cannot be reached any more
   * @param onWithdrawn called when that happens before an answer
   */
  add(
    options: readonly PermissionOption[],
    signal: AbortSignal,
    onWithdrawn: (requestId: string) => void,
  ): { readonly requestId: string; readonly answer: Promise<RequestPermissionResponse> } {
    const requestId = randomUUID();
    const optionIds = options.map((option) => option.optionId);
    const answer = new Promise<RequestPermissionResponse>((resolve) => {
      this.waiting.set(requestId, { optionIds, resolve });
    });
    signal.addEventListener('abort', () => {
      if (this.settle(requestId, undefined)) onWithdrawn(requestId);
    });
    return { requestId, answer };
  }

  /**
   * @param optionId undefined stands for cancelled
   * @returns false when no such request waits, or it has no such option
   */
  settle(requestId: string, optionId: string | undefined): boolean {
    const request = this.waiting.get(requestId);
    if (!request) return false;
    if (optionId !== undefined && !request.optionIds.includes(optionId)) return false;
    this.waiting.delete(requestId);
    request.resolve(
      optionId === undefined ? CANCELLED : { outcome: { outcome: 'selected', optionId } },
    );
    return true;
  }
}

interface WaitingRequest {
  readonly optionIds: readonly string[];
  readonly resolve: (response: RequestPermissionResponse) => void;
}
