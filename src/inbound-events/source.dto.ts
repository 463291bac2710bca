import { IsBoolean, IsIn, IsInt, IsObject, IsOptional, IsString, Length, Max, MaxLength, Min } from 'class-validator';
import { PROVIDER_NAMES } from '../core/provider-signatures/providers.js';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
import { PageQuery } from '../http/pagination.dto.js';
import type { SourceRefusal } from './source.store.js';

const MAX_SECRET_LENGTH = 4096;

export class CreateSource {
  /** `stripe`, `twenty`, `generic-hmac` …: docs/guides/inbound-providers.md says what each needs. */
  @IsIn(PROVIDER_NAMES)
  provider: string;

  @IsString()
  @Length(1, 200)
  name: string;

  /** The provider's secret, or one of your own. Made when absent, where the provider takes one of yours. */
  @MayBeAbsent()
  @IsString()
  @Length(1, MAX_SECRET_LENGTH)
  secret?: string;

  /** What the provider's verifier is told, for instance `{"toleranceSeconds": 600}`. */
  @IsOptional()
  @IsObject()
  settings?: Record<string, unknown>;

  /** Default true; a source that is off answers 404. */
  @MayBeAbsent()
  @IsBoolean()
  enabled?: boolean;
}

export class UpdateSource {
  @MayBeAbsent()
  @IsString()
  @Length(1, 200)
  name?: string;

  /** Takes the place of the current secret at once; see rotate for an overlap. */
  @MayBeAbsent()
  @IsString()
  @Length(1, MAX_SECRET_LENGTH)
  secret?: string;

  /** All settings anew. A secret one may be given as it is shown, `[redacted]`: then it stays. */
  @IsOptional()
  @IsObject()
  settings?: Record<string, unknown>;

  @MayBeAbsent()
  @IsBoolean()
  enabled?: boolean;
}

export class RotateSourceSecret {
  /** The new secret; made when absent, where the provider takes one of yours. */
  @MayBeAbsent()
  @IsString()
  @MaxLength(MAX_SECRET_LENGTH)
  secret?: string;

  /** So long the secret before it verifies too. Default: a day. */
  @MayBeAbsent()
  @IsInt()
  @Min(0)
  @Max(30 * 24 * 3600)
  overlapSeconds = 24 * 3600;
}

export class SourceQuery extends PageQuery {
  @MayBeAbsent()
  @IsString()
  provider?: string;
}

export class SourceSecretView {
  id: string;
  createdAt: Date;
  /** Null: the current one. */
  expiresAt: Date | null;
  /** When a request was last verified with it; null: never. */
  lastUsedAt: Date | null;
}

export class SourceView {
  id: string;
  tenantId: string;
  provider: string;
  name: string;
  enabled: boolean;
  /** Paste it at the provider. Whoever knows it can try to post. */
  url: string;
  settings: Record<string, unknown>;
  /** Without their values. Empty: none is set yet, and every request is refused. */
  secrets: SourceSecretView[];
  acceptedCount: number;
  /** Requests that were stored before and not stored again. */
  duplicateCount: number;
  refusedCount: number;
  lastAcceptedAt: Date | null;
  lastRefusedAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

export class CreatedSource extends SourceView {
  /** Shown here once and never again. */
  secret?: string;
}

export class RotatedSourceSecret {
  /** Shown here once and never again. */
  secret: string;
  /** Until then the one before verifies too. */
  previousExpiresAt: Date;
}

/** A request the source refused, for its owner to see why. Secrets are hidden. */
export class RefusalView {
  id: string;
  refusedAt: Date;
  /** Stable: `signature_mismatch`, `timestamp_too_old`, `header_missing` … */
  reason: string;
  /** The same in words. */
  message: string;
  /** What the sender was answered. */
  status: number;
  method: string;
  /** What came after the token, with its query. */
  path: string;
  headers: Record<string, unknown>;
  /** The first 2 KiB of the body. */
  bodyExcerpt: string;
  bodyBytes: number;
  remoteAddress: string | null;
}

export class RefusalList {
  /** Newest first; the last 20 are kept. */
  data: RefusalView[];
}

export function presentRefusal(row: SourceRefusal): RefusalView {
  const { tenantId: _tenantId, sourceId: _sourceId, headers, ...rest } = row;
  return { ...rest, headers: JSON.parse(headers) as Record<string, unknown> };
}
