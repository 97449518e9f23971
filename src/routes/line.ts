import type { AuditTrail } from '../audit/audit-trail.ts';
import type { Catalogue } from '../core/catalogue.ts';
import type { Budgets } from '../upstream/budgets.ts';
import type { CallsUnderWay } from '../upstream/calls-under-way.ts';
import type { ServerClock } from '../upstream/clock.ts';
import type { OrderGuard } from '../upstream/order-guard.ts';
import type { OrderResolver } from '../upstream/order-resolver.ts';
import type { Patience } from '../upstream/patience.ts';
import type { KeyGate } from '../upstream/preflight.ts';
import type { CallRecorder } from './call-recorder.ts';
import type { LiveConfig } from './live-config.ts';
import type { Metrics } from './metrics.ts';
import type { OpenSockets } from './open-sockets.ts';
import type { Status } from './readiness.ts';
import type { ReplayGuard } from './replay-guard.ts';

/** Everything that one call meets on its way. Built once by the command, handed to the route. */
export interface Line {
  readonly snapshot: () => LiveConfig;
  readonly catalogue: Catalogue;
  readonly clock: ServerClock;
  readonly budgets: Budgets;
  readonly guard: OrderGuard;
  readonly gate: KeyGate;
  readonly resolver: OrderResolver;
  readonly replays: ReplayGuard;
  readonly trail: AuditTrail;
  readonly recorder: CallRecorder;
  readonly metrics: Metrics;
  readonly status: () => Status;
  /** How many WebSocket connections of apps are open. */
  readonly openSockets: () => number;
  /** These connections themselves. */
  readonly sockets: OpenSockets;
  readonly underWay: CallsUnderWay;
  readonly patience: Patience;
  readonly nextRequestId: () => string;
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
  /** True from SIGTERM on: what comes now is refused, what is under way is finished. */
  readonly stopping: () => boolean;
}
