/** The characters that names of Binance's parameters have: those that stand in a URI and in JSON as they are. */
const PARAMETER_NAME = /^[A-Za-z0-9_.~-]+$/;

/** Why a name is refused. */
export const FOREIGN_NAME = 'a parameter name has characters that no Binance name has';

/** True for a name that a parameter of Binance could have. */
export function isParameterName(name: string): boolean {
  return PARAMETER_NAME.test(name);
}
