/** An element of the Sessions view; one object per session for as long as the view lives. */
export class SessionNode {
  constructor(readonly id: string) {}
}
