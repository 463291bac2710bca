import { Type } from 'class-transformer';
import { ArrayMinSize, ArrayUnique, IsArray, IsDate, IsIn, IsInt, IsString, Length, Max, Min } from 'class-validator';
import { SCOPES, type Scope } from '../core/scopes.js';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';

const MAX_OVERLAP_S = 30 * 24 * 3600;

export class CreateApiKey {
  /** What the key is for, to recognise it in lists and in the audit log. */
  @IsString()
  @Length(1, 200)
  name: string;

  /** What it may do; at most what the caller may do. */
  @IsArray()
  @ArrayMinSize(1)
  @ArrayUnique()
  @IsIn(SCOPES, { each: true, message: `each scope must be one of ${SCOPES.join(', ')}` })
  scopes: Scope[];

  /** When it stops working; absent: never. */
  @MayBeAbsent()
  @Type(() => Date)
  @IsDate({ message: 'expiresAt must be a time in ISO 8601, such as 2026-12-31T23:59:59Z' })
  expiresAt?: Date;
}

export class UpdateApiKey {
  @IsString()
  @Length(1, 200)
  name: string;
}

export class RotateApiKey {
  /** For how long the old key still works, in seconds: time to put the new one in place. */
  @MayBeAbsent()
  @IsInt()
  @Min(0)
  @Max(MAX_OVERLAP_S)
  overlapSeconds?: number;
}

export class ApiKeyView {
  id: string;
  /** The part of the key after `phk_`: names the key, opens nothing. */
  publicId: string;
  name: string;
  scopes: string[];
  /** Id of the member or key that made it. */
  createdBy: string;
  createdAt: Date;
  expiresAt: Date | null;
  /** To the minute. */
  lastUsedAt: Date | null;
  revokedAt: Date | null;
  /** Id of the key that replaced it when it was rotated. */
  replacedBy: string | null;
}

export class CreatedApiKeyView extends ApiKeyView {
  /** The key itself: shown here and never again. */
  key: string;
}
