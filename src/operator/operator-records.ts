import type { FastifyRequest } from 'fastify';
import type { AuditTrail } from '../audit/trail.ts';
import type { ActingOperator } from '../core/access/operator.ts';

/** What operators did, and who tried to be one, as records. */
export interface OperatorRecords {
  acted(acting: ActingOperator, act: string): void;
  wrongToken(request: FastifyRequest): void;
}

export function operatorRecords(trail: Pick<AuditTrail, 'note'>): OperatorRecords {
  return {
    acted({ operator, channel }, act) {
      trail.note({ event: 'operator.acted', detail: { operator: operator.name, channel, act } });
    },
    wrongToken({ ip, method, routeOptions }) {
      const detail = { address: ip, method, route: routeOptions.url };
      trail.note({ event: 'operator.refused', msg: 'A wrong token was sent.', detail });
    },
  };
}
