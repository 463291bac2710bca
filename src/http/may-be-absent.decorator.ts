import { ValidateIf } from 'class-validator';

/**
 * The property may be left out. Unlike @IsOptional it does not let null through: where null says something, such as "back to the
 * default", the type says so and the property has @IsOptional.
 */
export const MayBeAbsent = () => ValidateIf((_object, value) => value !== undefined);
