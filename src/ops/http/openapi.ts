/**
 * The description of the API (OpenAPI 3.1), made from core/admin/table.ts, the schemas of its arguments and those of its
 * answers. Made when somebody asks for it; nothing of it is kept.
 */
import { z } from 'zod';
import { schemaOf } from '../../core/admin/input';
import { adminCommand, adminNames, type AdminName, type Argument } from '../../core/admin/table';
import { faultTable } from '../../core/fault';
import { textsFor } from '../../core/i18n';
import { answerSchemas } from './answers';
import { methodOf, pathOf } from './routes';

type Json = Readonly<Record<string, unknown>>;

/** The whole document. */
export function describeApi(version: string): Json {
  const answers = answerSchemas();
  const { titles } = textsFor('en').operator;
  return {
    openapi: '3.1.0',
    info: { title: 'xmpp-ximss-bridge', version, description: 'What an operator can ask and do.' },
    security: [{ bearer: [] }, { basic: [] }],
    paths: Object.fromEntries(
      adminNames.map((name) => [
        pathOf(name),
        {
          [methodOf(name).toLowerCase()]: {
            operationId: name.replace(/ /g, '-'),
            summary: titles[name],
            ...inputOf(name),
            responses: {
              200: answer('Done, or shown.', jsonSchema(answers[name], 'output')),
              default: answer('Not done, and why.', { $ref: '#/components/schemas/Fault' }),
            },
          },
        },
      ]),
    ),
    components: {
      schemas: {
        Fault: {
          type: 'object',
          required: ['code', 'text'],
          properties: { code: { type: 'string', enum: Object.keys(faultTable) }, text: { type: 'string' } },
          additionalProperties: false,
        },
      },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: '`http.token` of the configuration' },
        basic: { type: 'http', scheme: 'basic', description: 'the same as the password, with any name' },
      },
    },
  };
}

function inputOf(name: AdminName): Json {
  const { args } = adminCommand(name);
  if (methodOf(name) === 'GET') return { parameters: args.map(parameterOf) };
  const required = args.filter(({ isRequired }) => isRequired).map((argument) => argument.name);
  const schema = {
    type: 'object',
    properties: Object.fromEntries(
      args.map((one) => [one.name, { ...jsonSchema(schemaOf(one), 'input'), description: textOf(one) }]),
    ),
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
  };
  return { requestBody: { required: true, content: { 'application/json': { schema } } } };
}

/** In a query a value is there or not; null is for JSON. */
function parameterOf(argument: Argument): Json {
  return {
    name: argument.name,
    in: 'query',
    required: argument.isRequired ?? false,
    description: textOf(argument),
    schema: jsonSchema(schemaOf({ ...argument, isRequired: true }), 'input'),
  };
}

function textOf({ name }: Argument): string {
  const { args } = textsFor('en').operator;
  return args[name as keyof typeof args]; // a test holds the texts and the table together
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const made = Object.entries(z.toJSONSchema(schema, { io })).filter(([key]) => key !== '$schema');
  return Object.fromEntries(made);
}

function answer(description: string, schema: Json): Json {
  return { description, content: { 'application/json': { schema } } };
}
