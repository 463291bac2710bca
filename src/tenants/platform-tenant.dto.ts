import { IsEmail, IsString, Length, Matches, MaxLength } from 'class-validator';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
import { LowerCaseEmail } from './member.dto.js';
import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from './password-hasher.js';
import { TenantView } from './tenant-settings.dto.js';

const SLUG = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const SLUG_MESSAGE = 'slug must be 1 to 63 of a-z, 0-9 and hyphens, with no hyphen at either end';

export class CreateTenant {
  /** Short unique name, used at login: `acme`. */
  @IsString()
  @Matches(SLUG, { message: SLUG_MESSAGE })
  slug: string;

  @IsString()
  @Length(1, 200)
  name: string;

  @LowerCaseEmail()
  @IsEmail({}, { message: 'ownerEmail must be an e-mail address' })
  @MaxLength(254)
  ownerEmail: string;

  /** Generated and shown once when absent. */
  @MayBeAbsent()
  @IsString()
  @Length(MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH)
  ownerPassword?: string;
}

export class UpdatePlatformTenant {
  @MayBeAbsent()
  @IsString()
  @Matches(SLUG, { message: SLUG_MESSAGE })
  slug?: string;

  @MayBeAbsent()
  @IsString()
  @Length(1, 200)
  name?: string;
}

export class FirstOwner {
  email: string;
  /** Only when it was generated, and only here. */
  password?: string;
}

export class CreatedTenantView {
  tenant: TenantView;
  owner: FirstOwner;
  /** With all scopes: shown here and never again. */
  apiKey: string;
}
