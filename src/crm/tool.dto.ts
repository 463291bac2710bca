import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { PageQuery } from '../http/pagination.dto.js';
import { IsExternalId, IsText, MayBeAbsent } from './crm-fields.dto.js';
import type { Tool } from './tool.store.js';

class ToolDetails {
  @MayBeAbsent()
  @IsText(2000)
  description?: string;

  /** How long a booking of it takes when it does not say. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(525_600)
  durationMinutes?: number | null;

  /** The provider's own id of it, such as `calcom:123`; no two tools have the same. */
  @IsOptional()
  @IsExternalId()
  externalId?: string | null;
}

export class CreateTool extends ToolDetails {
  @IsText(200, 1)
  name: string;
}

export class UpdateTool extends ToolDetails {
  @MayBeAbsent()
  @IsText(200, 1)
  name?: string;
}

export class ToolQuery extends PageQuery {
  @MayBeAbsent()
  @IsText(200)
  name?: string;

  @MayBeAbsent()
  @IsText(200)
  externalId?: string;
}

export class ToolView {
  id: string;
  tenantId: string;
  name: string;
  description: string;
  durationMinutes: number | null;
  externalId: string | null;
  createdAt: Date;
  updatedAt: Date;
}

export function presentTool(tool: Tool): ToolView {
  const { id, tenantId, name, description, durationMinutes, externalId, createdAt, updatedAt } = tool;
  return { id, tenantId, name, description, durationMinutes, externalId, createdAt, updatedAt };
}
