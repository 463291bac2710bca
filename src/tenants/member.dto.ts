import { Transform } from 'class-transformer';
import { IsEmail, IsIn, IsOptional, IsString, Length, MaxLength } from 'class-validator';
import { ROLES, type Role } from '../core/scopes.js';
import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from './password-hasher.js';

/** E-mail addresses are kept and compared in lower case. */
export const LowerCaseEmail = () =>
  Transform(({ value }) => (typeof value === 'string' ? value.trim().toLowerCase() : value));

export class CreateMember {
  @LowerCaseEmail()
  @IsEmail({}, { message: 'email must be an e-mail address' })
  @MaxLength(254)
  email: string;

  @IsOptional()
  @IsString()
  @Length(1, 200)
  name?: string;

  /** viewer: reads everything; developer: also events, webhooks and inbound; admin: everything; owner: also other owners. */
  @IsIn(ROLES)
  role: Role;

  /** Generated and shown once when absent. */
  @IsOptional()
  @IsString()
  @Length(MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH)
  password?: string;
}

/** Absent fields stay as they are. A new password ends the member's sessions. */
export class UpdateMember {
  @IsOptional()
  @LowerCaseEmail()
  @IsEmail({}, { message: 'email must be an e-mail address' })
  @MaxLength(254)
  email?: string;

  @IsOptional()
  @IsString()
  @Length(1, 200)
  name?: string;

  @IsOptional()
  @IsIn(ROLES)
  role?: Role;

  @IsOptional()
  @IsString()
  @Length(MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH)
  password?: string;
}

export class MemberView {
  id: string;
  email: string;
  name: string;
  role: Role;
  createdAt: Date;
  updatedAt: Date;
}

export class CreatedMemberView extends MemberView {
  /** Only when it was generated, and only here. */
  password?: string;
}
