-- The claims of all proxies of one Redis. A claim is one string: the call that holds it, as JSON.
-- claim: KEYS are taken all or none for ARGV[3] ms by the holder ARGV[2]; answers the first other holder, or false.
-- drop: those of KEYS that the call ARGV[2] holds are given up.
if ARGV[1] == 'claim' then
  for _, key in ipairs(KEYS) do
    local held = redis.call('GET', key)
    if held then return held end
  end
  for _, key in ipairs(KEYS) do redis.call('SET', key, ARGV[2], 'PX', ARGV[3]) end
  return false
end
for _, key in ipairs(KEYS) do
  local held = redis.call('GET', key)
  if held and cjson.decode(held).requestId == ARGV[2] then redis.call('DEL', key) end
end
return false
