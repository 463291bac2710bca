import { IsBoolean, IsOptional, IsString, Length, MaxLength } from 'class-validator';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
import type { StageAutomation } from './stage-automation.store.js';

class StageActions {
  /** Default true. */
  @MayBeAbsent()
  @IsBoolean()
  enabled?: boolean;

  /** The message template sent to the contact through Chatwoot, in his language. */
  @IsOptional()
  @IsString()
  @Length(1, 100)
  templateName?: string | null;

  /** The tag put on the contact. */
  @IsOptional()
  @IsString()
  @Length(1, 100)
  tag?: string | null;

  /** The type of the event published with the deal. */
  @IsOptional()
  @IsString()
  @MaxLength(128)
  eventType?: string | null;
}

export class CreateStageAutomation extends StageActions {
  /** The stage as Twenty spells its value: `PROPOSAL`. */
  @IsString()
  @Length(1, 100)
  stage: string;
}

export class UpdateStageAutomation extends StageActions {}

export class StageAutomationView {
  id: string;
  tenantId: string;
  stage: string;
  enabled: boolean;
  templateName: string | null;
  tag: string | null;
  eventType: string | null;
  createdAt: Date;
  updatedAt: Date;
}

export function presentStageAutomation(row: StageAutomation): StageAutomationView {
  const { id, tenantId, stage, enabled, templateName, tag, eventType, createdAt, updatedAt } = row;
  return { id, tenantId, stage, enabled, templateName, tag, eventType, createdAt, updatedAt };
}
