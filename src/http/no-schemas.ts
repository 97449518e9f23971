import type { FastifyServerOptions } from 'fastify';

/** No route has a schema. Told so, Fastify does not load its compilers of schemas. */
export const NO_SCHEMAS: NonNullable<FastifyServerOptions['schemaController']> = {
  compilersFactory: { buildValidator: refuse, buildSerializer: refuse },
};

function refuse(): never {
  throw new Error('a route with a schema');
}
