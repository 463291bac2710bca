/** Where a job stands when a step begins. */
export interface JobStep {
  tenantId: string;
  jobId: string;
  parameters: unknown;
  /** What the step before gave; null at first. */
  cursor: string | null;
}

/** What a step did. It is committed before the next begins; a step whose process died is done again. */
export interface JobProgress {
  /** Rows dealt with in this step, and how many of them could not be. */
  done: number;
  failed: number;
  cursor: string | null;
  finished: boolean;
  /** Shown with the job once it has ended. */
  result?: Record<string, unknown>;
}

/** One kind of background job: a short step that is called until it says it is finished. Doing a step twice must not matter. */
export interface JobWork {
  /** `inbound-events.reprocess` */
  readonly kind: string;
  step(step: JobStep): Promise<JobProgress>;
}
