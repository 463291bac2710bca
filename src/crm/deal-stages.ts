export const STAGE_OUTCOMES = ['open', 'won', 'lost'] as const;
export type StageOutcome = (typeof STAGE_OUTCOMES)[number];

/** A step of a tenant's pipeline. `outcome` is what a deal in it is. */
export interface Stage {
  key: string;
  name: string;
  outcome: StageOutcome;
}

/** The pipeline of a tenant that has not made its own. */
export const BUILT_IN_STAGES: readonly Stage[] = [
  { key: 'new', name: 'New', outcome: 'open' },
  { key: 'qualified', name: 'Qualified', outcome: 'open' },
  { key: 'proposal', name: 'Proposal', outcome: 'open' },
  { key: 'negotiation', name: 'Negotiation', outcome: 'open' },
  { key: 'won', name: 'Won', outcome: 'won' },
  { key: 'lost', name: 'Lost', outcome: 'lost' },
];

/** The stage with that key, in capitals or not: providers write `MEETING_SCHEDULED`. */
export function findStage(stages: readonly Stage[], key: string): Stage | null {
  return stages.find((stage) => stage.key.toLowerCase() === key.toLowerCase()) ?? null;
}

/** Where a deal begins. */
export function firstStage(stages: readonly Stage[]): Stage {
  return stages.find((stage) => stage.outcome === 'open') ?? (stages[0] as Stage);
}
