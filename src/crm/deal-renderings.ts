import type { Deal } from './deal.store.js';
import type { Changes } from './domain-change.js';
import { moneyNumber } from './money.js';
import { inSnakeCase, type RenderedEvent, type Rendering, rendering } from './rendering.js';

/** The CRM guide's receivers ask `stage === "won"`, whatever a tenant calls the stage. */
const WON = 'won';

/** Deals in the CRM vocabulary. A deal that is won is told as `deal.won` beside the change itself. */
export const DEAL_RENDERINGS: readonly Rendering[] = [
  rendering('deal-created', ['deal.created', 'deal.won'], ({ deal }) => [
    { type: 'deal.created', data: crmDeal(deal) },
    ...(deal.wonAt ? [dealWon(deal, deal.wonAt)] : []),
  ]),
  rendering('deal-updated', ['deal.updated', 'deal.won'], ({ deal, changes }) => [
    { type: 'deal.updated', data: { ...crmDeal(deal), changes: crmChanges(changes) } },
    ...(deal.wonAt && changes.wonAt?.old === null ? [dealWon(deal, deal.wonAt)] : []),
  ]),
];

function crmDeal(deal: Deal): Record<string, unknown> {
  return {
    deal_id: deal.id,
    stage: deal.wonAt ? WON : deal.stage,
    title: deal.title,
    amount: moneyNumber(deal.amount),
    currency: deal.currency,
    contact_id: deal.contactId,
  };
}

function dealWon(deal: Deal, wonAt: Date): RenderedEvent {
  return { type: 'deal.won', data: { ...crmDeal(deal), won_at: wonAt.toISOString() } };
}

function crmChanges({ stage, amount, ...others }: Changes): Changes {
  const { wonAt } = others;
  return {
    ...(stage && { stage: { old: wonAt?.old ? WON : stage.old, new: wonAt?.new ? WON : stage.new } }),
    ...(amount && { amount: { old: moneyNumber(amount.old), new: moneyNumber(amount.new) } }),
    ...inSnakeCase(others),
  };
}
