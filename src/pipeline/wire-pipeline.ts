import type { Approvals } from '../approvals/approvals.ts';
import type { Budgets } from '../budgets/budgets.ts';
import type { CallsUnderWay } from '../budgets/calls-under-way.ts';
import type { Catalogue } from '../core/catalogue/catalogue.ts';
import { createWsMethods } from '../core/frames/frame-methods.ts';
import type { SecretMask } from '../core/records/secret-mask.ts';
import type { RefusalStop } from '../orders/limits/refusal-stop.ts';
import type { OrderLimits } from '../orders/order-limits.ts';
import type { OrderResolver } from '../orders/resolver.ts';
import type { OpenLimit } from '../orders/resting/open-limit.ts';
import type { ClaimRight } from '../repeats/claim-right.ts';
import type { SharedData } from '../shared-data/shared-data.ts';
import type { DeadMan } from '../stops/silence/dead-man.ts';
import type { Stops } from '../stops/stops.ts';
import type { KeyGate } from '../upstream/key-gate.ts';
import type { ServerClock } from '../upstream/server-clock.ts';
import type { Arrival } from './arrival.ts';
import { type Attempt, createAttempt } from './attempt.ts';
import { type Authenticate, createAuthenticate } from './authenticate.ts';
import { type Authorise, createAuthorise } from './authorise.ts';
import { type Admit, createAdmit } from './clients/admit.ts';
import { ClientRates } from './clients/client-rates.ts';
import { KeyHolders } from './clients/key-holders.ts';
import { ListenKeys } from './clients/listen-keys.ts';
import { SignatureUses } from './clients/signature-uses.ts';
import { Turns } from './clients/turns.ts';
import { createFinish, type Finish, type FinishedCall } from './finish.ts';
import { createJudge, type Judge } from './judge.ts';
import { createRecognise, type Recognise } from './recognise.ts';
import type { CallRecorder } from './recorder.ts';
import { createReserve, type Reserve } from './reserve.ts';
import { createShare, type Share } from './sharing/share.ts';

/** The steps that every call of an app takes, whatever door it came by. */
export interface Pipeline {
  readonly arrival: Arrival;
  readonly recognise: Recognise;
  readonly authenticate: Authenticate;
  readonly admit: Admit;
  readonly authorise: Authorise;
  readonly judge: Judge;
  readonly reserve: Reserve;
  readonly attempt: Attempt;
  readonly finish: Finish;
  readonly recorder: CallRecorder;
  readonly listenKeys: ListenKeys;
  /** One rate for each client, over all doors. */
  readonly rates: ClientRates;
  /** The processor's time, dealt out between clients. */
  readonly turns: Turns;
  readonly keyHolders: KeyHolders;
  /** Finds the answer of a call that need not be sent. */
  readonly share: Share;
  readonly stops: Stops;
  readonly presence: DeadMan;
}

export interface PipelineDeps {
  readonly arrival: Arrival;
  readonly recorder: CallRecorder;
  readonly catalogue: Catalogue;
  readonly clock: ServerClock;
  readonly resync: () => Promise<void>;
  readonly budgets: Budgets;
  readonly limits: OrderLimits;
  readonly openLimit: OpenLimit;
  readonly refusalStop: RefusalStop;
  readonly resolver: OrderResolver;
  readonly gate: KeyGate;
  readonly stops: Stops;
  readonly claimRight: ClaimRight;
  readonly presence: DeadMan;
  readonly approvals: Approvals;
  readonly underWay: CallsUnderWay;
  readonly shared: SharedData<FinishedCall>;
  readonly secretMask: () => SecretMask;
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
}

/** Makes each step once, each with the little that it needs. */
export function wirePipeline(deps: PipelineDeps): Pipeline {
  const { arrival, recorder, catalogue, clock, monotonicNow, wallNow } = deps;
  const rates = new ClientRates();
  const signatures = new SignatureUses();
  const listenKeys = new ListenKeys(monotonicNow);
  const keyHolders = new KeyHolders();
  const share = createShare(deps);
  return {
    arrival,
    recorder,
    rates,
    turns: new Turns(),
    recognise: createRecognise({ catalogue, methods: createWsMethods(catalogue) }),
    authenticate: createAuthenticate({ clock, signatures, wallNow }),
    admit: createAdmit({ claimRight: deps.claimRight, rates, presence: deps.presence, monotonicNow }),
    authorise: createAuthorise(deps),
    judge: createJudge(deps),
    reserve: createReserve(deps),
    attempt: createAttempt(deps),
    finish: createFinish({ ...deps, listenKeys, keyHolders }),
    listenKeys,
    keyHolders,
    share,
    stops: deps.stops,
    presence: deps.presence,
  };
}
