/** What a message between sessions is about. */
export type MessageType = 'task_handoff' | 'query' | 'response' | 'completed' | 'conflict';
