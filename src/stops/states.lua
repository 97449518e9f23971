-- The states of all proxies of one Redis: one hash, a field for each scope, its entry as JSON that begins with its revision.
-- put: the entry ARGV[3] of the scope ARGV[2] gets the revision after the stored one, at least ARGV[4]; answers the revision.
-- merge: the entry is stored if its revision ARGV[4] is higher than the stored one, or equal and its state stricter; answers 0 or 1.
-- What is stored is told on the channel ARGV[5] by ARGV[6].
local strictness = { run = 0, ['reduce-only'] = 1, ['cancel-only'] = 2, halt = 3 }
local stored = redis.call('HGET', KEYS[1], ARGV[2])
local present = stored and tonumber(string.match(stored, '^{"revision":(%d+)')) or 0
local revision = tonumber(ARGV[4])
if ARGV[1] == 'put' then
  if present + 1 > revision then revision = present + 1 end
elseif revision < present then
  return 0
elseif stored and revision == present then
  local before = strictness[string.match(stored, '"state":"([a-z-]+)"')]
  local after = strictness[string.match(ARGV[3], '"state":"([a-z-]+)"')]
  if after == nil or before == nil or after <= before then return 0 end
end
local entry = '{"revision":' .. string.format('%d', revision) .. ',' .. string.sub(ARGV[3], 2)
redis.call('HSET', KEYS[1], ARGV[2], entry)
redis.call('PUBLISH', ARGV[5], ARGV[6] .. ' ' .. entry)
if ARGV[1] == 'put' then return revision end
return 1
