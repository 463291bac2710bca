import { buildSchema, type GraphQLSchema } from 'graphql';

export interface WorkspaceField {
  name: string;
  type: string;
  options?: { value: string; label: string }[];
  /** Of RELATION fields. */
  relation?: 'MANY_TO_ONE' | 'ONE_TO_MANY';
  isActive?: boolean;
}

export interface WorkspaceObject {
  nameSingular: string;
  namePlural: string;
  fields: WorkspaceField[];
}

const COMMON: WorkspaceField[] = [
  { name: 'id', type: 'UUID' },
  { name: 'createdAt', type: 'DATE_TIME' },
  { name: 'updatedAt', type: 'DATE_TIME' },
  { name: 'deletedAt', type: 'DATE_TIME' },
  { name: 'position', type: 'POSITION' },
  { name: 'createdBy', type: 'ACTOR' },
  { name: 'searchVector', type: 'TS_VECTOR' },
];

export const STAGES = ['NEW', 'SCREENING', 'MEETING_SCHEDULED', 'MEETING', 'PROPOSAL', 'CUSTOMER', 'CANCELLED'];

/** The data model of a new workspace, with the stages the MedFlow guide uses. */
export function standardObjects(stages: readonly string[] = STAGES): WorkspaceObject[] {
  return [
    {
      nameSingular: 'person',
      namePlural: 'people',
      fields: [
        ...COMMON,
        { name: 'name', type: 'FULL_NAME' },
        { name: 'emails', type: 'EMAILS' },
        { name: 'phones', type: 'PHONES' },
        { name: 'jobTitle', type: 'TEXT' },
        { name: 'city', type: 'TEXT' },
        { name: 'linkedinLink', type: 'LINKS' },
        { name: 'company', type: 'RELATION', relation: 'MANY_TO_ONE' },
        { name: 'pointOfContactForOpportunities', type: 'RELATION', relation: 'ONE_TO_MANY' },
      ],
    },
    {
      nameSingular: 'opportunity',
      namePlural: 'opportunities',
      fields: [
        ...COMMON,
        { name: 'name', type: 'TEXT' },
        { name: 'amount', type: 'CURRENCY' },
        { name: 'closeDate', type: 'DATE_TIME' },
        { name: 'stage', type: 'SELECT', options: stages.map((value) => ({ value, label: labelOf(value) })) },
        { name: 'company', type: 'RELATION', relation: 'MANY_TO_ONE' },
        { name: 'pointOfContact', type: 'RELATION', relation: 'MANY_TO_ONE' },
      ],
    },
  ];
}

/** As `GET /rest/metadata/objects` answers. */
export function metadataOf(objects: WorkspaceObject[]) {
  const described = objects.map(({ fields, ...object }, index) => ({
    id: `00000000-0000-4000-8000-00000000000${index}`,
    ...object,
    isActive: true,
    fields: fields.map(({ name, type, options, relation, isActive = true }) => ({
      name,
      type,
      isActive,
      options: options?.map((option, position) => ({ ...option, position, color: 'sky' })) ?? null,
      settings: relation
        ? { relationType: relation, ...(relation === 'MANY_TO_ONE' && { joinColumnName: `${name}Id` }) }
        : null,
    })),
  }));
  return {
    data: { objects: described },
    pageInfo: { hasNextPage: false, endCursor: null },
    totalCount: objects.length,
  };
}

const COMPOSITES: Record<string, string[]> = {
  FULL_NAME: ['firstName', 'lastName'],
  EMAILS: ['primaryEmail', 'additionalEmails'],
  PHONES: ['primaryPhoneNumber', 'primaryPhoneCountryCode', 'primaryPhoneCallingCode', 'additionalPhones'],
  LINKS: ['primaryLinkUrl', 'primaryLinkLabel', 'secondaryLinks'],
  CURRENCY: ['amountMicros', 'currencyCode'],
  ACTOR: ['source', 'workspaceMemberId', 'name'],
};
const SCALARS: Record<string, string> = { UUID: 'UUID', DATE_TIME: 'DateTime', POSITION: 'Float', TEXT: 'String' };
const PART_SCALARS: Record<string, string> = {
  additionalEmails: 'RawJSONScalar',
  additionalPhones: 'RawJSONScalar',
  secondaryLinks: 'RawJSONScalar',
  amountMicros: 'BigFloat',
};

/** The GraphQL schema Twenty makes of a data model: a query with a field the workspace does not have is refused. */
export function schemaOf(objects: WorkspaceObject[]): GraphQLSchema {
  const types = objects.map((object) => typesOf(pascal(object.nameSingular), object));
  const queries = objects.map(({ nameSingular, namePlural }) => {
    const type = pascal(nameSingular);
    return `${namePlural}(filter: ${type}FilterInput, first: Int, after: String, orderBy: [${type}OrderByInput]): ${type}Connection!`;
  });
  const mutations = objects.map(({ nameSingular }) => {
    const type = pascal(nameSingular);
    return `create${type}(data: ${type}CreateInput!): ${type} update${type}(id: UUID!, data: ${type}UpdateInput!): ${type} destroy${type}(id: UUID!): ${type}`;
  });
  return buildSchema(`
    scalar UUID scalar DateTime scalar BigFloat scalar RawJSONScalar
    enum Direction { AscNullsFirst AscNullsLast DescNullsFirst DescNullsLast }
    type PageInfo { hasNextPage: Boolean! endCursor: String }
    input ValueFilter { eq: String neq: String in: [String!] like: String ilike: String gte: String gt: String lte: String lt: String is: String }
    ${Object.entries(COMPOSITES)
      .map(([kind, parts]) => compositeTypes(kind, parts))
      .join('\n')}
    ${types.join('\n')}
    type Query { ${queries.join(' ')} }
    type Mutation { ${mutations.join(' ')} }
  `);
}

function typesOf(type: string, { fields }: WorkspaceObject): string {
  const active = fields.filter(({ isActive = true, type: kind }) => isActive && kind !== 'TS_VECTOR');
  const own = active.filter(({ relation }) => !relation);
  const joins = active.filter(({ relation }) => relation === 'MANY_TO_ONE').map(({ name }) => `${name}Id`);
  const columns = [
    ...own.map((field) => `${field.name}: ${typeOf(type, field)}`),
    ...joins.map((name) => `${name}: UUID`),
  ];
  const inputs = [
    ...own.map(
      (field) => `${field.name}: ${COMPOSITES[field.type] ? `${pascal(field.type)}Input` : typeOf(type, field)}`,
    ),
    ...joins.map((name) => `${name}: UUID`),
  ];
  const filters = [
    ...own.map((field) => `${field.name}: ${COMPOSITES[field.type] ? `${pascal(field.type)}Filter` : 'ValueFilter'}`),
    ...joins.map((name) => `${name}: ValueFilter`),
  ];
  const orders = own.filter((field) => !COMPOSITES[field.type]).map(({ name }) => `${name}: Direction`);
  const enums = own
    .filter(({ options }) => options)
    .map((field) => `enum ${enumName(type, field)} { ${field.options?.map(({ value }) => value).join(' ')} }`);
  return `
    ${enums.join('\n')}
    type ${type} { ${columns.join(' ')} }
    type ${type}Edge { node: ${type}! cursor: String! }
    type ${type}Connection { edges: [${type}Edge!]! pageInfo: PageInfo! totalCount: Int! }
    input ${type}CreateInput { ${inputs.join(' ')} }
    input ${type}UpdateInput { ${inputs.join(' ')} }
    input ${type}OrderByInput { ${orders.join(' ')} }
    input ${type}FilterInput { ${filters.join(' ')} and: [${type}FilterInput!] or: [${type}FilterInput!] not: ${type}FilterInput }`;
}

function typeOf(type: string, field: WorkspaceField): string {
  if (field.options) return enumName(type, field);
  return COMPOSITES[field.type] ? pascal(field.type) : (SCALARS[field.type] ?? 'String');
}

function compositeTypes(kind: string, parts: string[]): string {
  const name = pascal(kind);
  const columns = parts.map((part) => `${part}: ${PART_SCALARS[part] ?? 'String'}`).join(' ');
  const filters = parts.map((part) => `${part}: ValueFilter`).join(' ');
  return `type ${name} { ${columns} } input ${name}Input { ${columns} } input ${name}Filter { ${filters} }`;
}

const enumName = (type: string, { name }: WorkspaceField) => `${type}${pascal(name)}Enum`;
const labelOf = (value: string) => value.charAt(0) + value.slice(1).toLowerCase().replaceAll('_', ' ');

export function pascal(name: string): string {
  return name
    .split('_')
    .map(
      (word) =>
        word.charAt(0).toUpperCase() + (name === name.toUpperCase() ? word.slice(1).toLowerCase() : word.slice(1)),
    )
    .join('');
}
