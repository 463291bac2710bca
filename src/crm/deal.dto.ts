import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsIn,
  IsOptional,
  IsUUID,
  Matches,
  ValidateNested,
} from 'class-validator';
import { PageQuery } from '../http/pagination.dto.js';
import { IsCurrency, IsExternalId, IsFlag, IsMoney, IsText, MayBeAbsent } from './crm-fields.dto.js';
import type { Deal } from './deal.store.js';
import { STAGE_OUTCOMES, type Stage, type StageOutcome } from './deal-stages.js';

export class CreateDeal {
  @IsOptional()
  @IsText(300)
  title?: string | null;

  @IsOptional()
  @IsUUID()
  contactId?: string | null;

  /** A stage of the pipeline (`GET /api/v1/deal-stages`). Default: the first open one. */
  @MayBeAbsent()
  @IsText(60, 1)
  stage?: string;

  /** Decimal text such as `"1290.50"`, in the main unit of the currency; a JSON number is taken too. */
  @IsOptional()
  @IsMoney()
  amount?: string | null;

  /** ISO 4217: `BRL`. */
  @IsOptional()
  @IsCurrency()
  currency?: string | null;

  /** The provider's own id of it, such as `twenty:<uuid>`; no two deals have the same. */
  @IsOptional()
  @IsExternalId()
  externalId?: string | null;
}

/** A deal that enters a stage whose outcome is won or lost is so from then on; one that leaves it is open again. */
export class UpdateDeal extends CreateDeal {}

export class DealQuery extends PageQuery {
  @MayBeAbsent()
  @IsUUID()
  contactId?: string;

  @MayBeAbsent()
  @IsText(60)
  stage?: string;

  @MayBeAbsent()
  @IsText(200)
  externalId?: string;

  @MayBeAbsent()
  @IsFlag()
  won?: boolean;

  @MayBeAbsent()
  @IsFlag()
  lost?: boolean;
}

export class DealView {
  id: string;
  tenantId: string;
  title: string | null;
  contactId: string | null;
  stage: string;
  /** Decimal text. */
  amount: string | null;
  currency: string | null;
  externalId: string | null;
  /** Since when it is won; null when it is not. */
  wonAt: Date | null;
  lostAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

export function presentDeal(deal: Deal): DealView {
  const { id, tenantId, title, contactId, stage, amount, currency, externalId, wonAt, lostAt } = deal;
  const { createdAt, updatedAt } = deal;
  return {
    id,
    tenantId,
    title,
    contactId,
    stage,
    amount,
    currency,
    externalId,
    wonAt,
    lostAt,
    createdAt,
    updatedAt,
  };
}

export class DealStage implements Stage {
  /** What a deal's `stage` holds: `proposal`. */
  @Matches(/^[A-Za-z0-9_-]{1,60}$/, { message: 'key is 1 to 60 letters, digits, _ or -' })
  key: string;

  @IsText(100, 1)
  name: string;

  /** What a deal in this stage is. */
  @IsIn(STAGE_OUTCOMES)
  outcome: StageOutcome;
}

export class ReplaceDealStages {
  /** In the order of the pipeline, at least one of them open. */
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(50)
  @ValidateNested({ each: true })
  @Type(() => DealStage)
  stages: DealStage[];
}

export class DealStagesView {
  data: DealStage[];
}
