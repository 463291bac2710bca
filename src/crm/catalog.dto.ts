import { OmitType, PartialType } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayUnique, IsArray, IsIn, IsString, Length, Matches, MaxLength } from 'class-validator';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
import { CUSTOM_FIELD_TYPES, type CustomFieldType } from './custom-field-value.js';

export class CreateTag {
  /** Unique in the tenant. */
  @IsString()
  name: string;
}

export class UpdateTag extends CreateTag {}

export class TagView {
  id: string;
  name: string;
  createdAt: Date;
}

export class CreateCustomField {
  /** Unique in the tenant: a letter, then letters, digits, blanks, `_` and `-`, at most 64. */
  @IsString()
  @Matches(/^\p{L}[\p{L}\p{N}_ -]{0,63}$/u, {
    message: 'name must begin with a letter and have at most 64 letters, digits, blanks, "_" and "-"',
  })
  name: string;

  /** For people: `Favourite drink`. */
  @MayBeAbsent()
  @IsString()
  @MaxLength(200)
  label?: string;

  /** What its values are. It stays as it is made. */
  @IsIn(CUSTOM_FIELD_TYPES)
  type: CustomFieldType;

  /** What a field of type `choice` allows. */
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(200)
  @ArrayUnique()
  @IsString({ each: true })
  @Length(1, 200, { each: true })
  choices?: string[];
}

export class UpdateCustomField extends PartialType(OmitType(CreateCustomField, ['type'])) {}

export class CustomFieldView {
  id: string;
  name: string;
  label: string;
  type: CustomFieldType;
  choices: string[];
  createdAt: Date;
  updatedAt: Date;
}
