import type { ClaimedTask } from './automation-task.store.js';

/** What came of a task that did not fail. */
export type TaskOutcome =
  /** `did` is shown with the task: ids of what was made, or what was found to be so already. */
  | { kind: 'done'; did: Record<string, unknown> }
  /** There is nothing to do any more, and why. */
  | { kind: 'skipped'; why: string };

/**
 * Does tasks of some kinds at a provider, outside of any transaction. A task may be begun again after its process died, so doing it
 * twice must not matter: look at the identity map first, then at the provider, and only then create. A ProviderError that passes is
 * tried again, another one and a TaskFailure end the task.
 */
export interface TaskPerformer {
  /** `twenty.person`, `chatwoot.booking-message` … */
  readonly kinds: readonly string[];
  /** Seconds before each try; absent: the usual. */
  readonly schedule?: readonly number[];
  perform(task: ClaimedTask): Promise<TaskOutcome>;
  /** The last try has failed: what is left to do so that nothing is lost. `words` says why it failed. */
  giveUp?(task: ClaimedTask, words: string): Promise<void>;
}

/** The task can never be done as it is; the message says why, and what to do about it. */
export class TaskFailure extends Error {
  override readonly name = 'TaskFailure';
}
