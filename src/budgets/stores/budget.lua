-- The arithmetic of src/core/budget/window.ts and rolling.ts, run in Redis. One contract suite holds both to the same
-- behaviour. A bucket is one string: its numbers, packed in the order of the constants below, or, of a rolling window,
-- when it began and the times of its calls.
-- KEYS and ARGV depend on the operation (ARGV[1]). Every time is Binance's, in whole ms; Redis' own clock (redis_now)
-- measures nothing but how long a proxy was not heard.
-- The last KEYS of each operation are the same: those named MEMBERS and so on below.
local WINDOW, PREVIOUS, REPORTED, HIGHEST, ROUND = 1, 2, 3, 4, 5
local UNREPORTED, UNREPORTED_BEFORE, NEAR_THE_END, SLOT, FLIGHT, STARTED, OWN = 6, 7, 8, 9, 10, 14, 15
-- How a bucket is counted. OWN is -1 where it is not pooled.
local FALLING, POOLED, ROLLING = 1, 2, 3
local LONGEST_FLIGHT_MS = 40000
local SLOTS, SLOT_MS, STEP_BACK_MS, SLOTS_AHEAD = 4, 10000, 1000, 6
-- Keys expire this much later than the times inside them, because Redis' own clock may differ. The times decide.
local KEEP_MS = 120000

-- Binance bans for three days at most, and clocks differ: what says more was written by a wrong one.
local LONGEST_FREEZE_MS = 259260000
-- A proxy that charges here holds a lease. Once that has ended, the part that the proxy may use alone is kept free, until
-- it comes again or was not heard for FORGET_MS. When nobody was heard for GAP_MS it was Redis that was away.
local LEASE_MS, FORGET_MS, GAP_MS = 500, 3000, 1000
local IDLE_MS = 86400000

local operation = ARGV[1]
local now = tonumber(ARGV[2])
local own_keys = #KEYS - 5
-- Members by the end of their leases: all, and those on the egress IP of the one that asks.
local MEMBERS, NEIGHBOURS = KEYS[own_keys + 1], KEYS[own_keys + 2]
-- When a proxy was last heard; what names this memory of Redis; the buckets that are in use.
local PULSE, MEMORY, IN_USE = KEYS[own_keys + 3], KEYS[own_keys + 4], KEYS[own_keys + 5]

local function redis_now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- How many share a bucket, and how many of them may be using their parts alone. Scope: 1 is the egress IP, 2 everybody.
local function members_of(scope, at)
  local key = scope == 1 and NEIGHBOURS or MEMBERS
  local known = redis.call('ZCOUNT', key, at - FORGET_MS, '+inf')
  return known, known - redis.call('ZCOUNT', key, at, '+inf')
end

local function flight_of(s)
  return s[FLIGHT] + s[FLIGHT + 1] + s[FLIGHT + 2] + s[FLIGHT + 3]
end

local function used_of(s)
  return math.max(s[REPORTED] + s[UNREPORTED] + s[UNREPORTED_BEFORE], s[OWN]) + flight_of(s)
end

local function add_own(s, weight)
  if s[OWN] >= 0 then s[OWN] = s[OWN] + weight end
end

local function add_unreported(s, weight)
  s[UNREPORTED] = s[UNREPORTED] + weight
  add_own(s, weight)
end

local function add_flight(s, slot, weight)
  local at = FLIGHT + slot % SLOTS
  s[at] = math.max(0, s[at] + weight)
end

local function is_alive(s, slot, started)
  return started == s[STARTED] and slot > s[SLOT] - SLOTS and slot <= s[SLOT]
end

local function advance(s, window_ms)
  local slot = math.floor(now / SLOT_MS)
  if slot > s[SLOT] then
    for at = s[SLOT] + 1, math.min(slot, s[SLOT] + SLOTS) do
      local index = FLIGHT + at % SLOTS
      add_unreported(s, s[index])
      s[index] = 0
    end
    s[SLOT] = slot
  elseif slot < s[SLOT] - SLOTS_AHEAD then
    local sum = flight_of(s)
    for index = FLIGHT, FLIGHT + SLOTS - 1 do s[index] = 0 end
    s[FLIGHT + slot % SLOTS] = sum
    s[SLOT] = slot
  end
  local window = math.floor(now / window_ms)
  if window > s[WINDOW] then
    local follows = window == s[WINDOW] + 1
    s[PREVIOUS] = follows and used_of(s) or 0
    s[REPORTED], s[HIGHEST], s[UNREPORTED] = 0, 0, 0
    s[UNREPORTED_BEFORE] = follows and s[NEAR_THE_END] or 0
    s[NEAR_THE_END] = 0
    if s[OWN] >= 0 then s[OWN] = s[UNREPORTED_BEFORE] end
    s[ROUND] = s[ROUND] + 1
    s[WINDOW] = window
  elseif window < s[WINDOW] and now < s[WINDOW] * window_ms - STEP_BACK_MS then
    add_unreported(s, s[PREVIOUS])
    s[PREVIOUS] = 0
    s[WINDOW] = window
  end
end

local function note_use(key, window_ms, counting, ends)
  redis.call('ZADD', IN_USE, ends, key .. ' ' .. window_ms .. ' ' .. counting)
  redis.call('PEXPIRE', IN_USE, IDLE_MS)
end

local function save(key, s, window_ms)
  redis.call('SET', key, cmsgpack.pack(s), 'PX', 2 * window_ms + KEEP_MS)
end

-- Saves what the passing of time changed, also when nothing is charged then.
local function load(key, window_ms, counting)
  local packed = redis.call('GET', key)
  local s
  if packed then
    s = cmsgpack.unpack(packed)
    -- A count that an older version wrote has no OWN.
    if not s[OWN] then s[OWN] = counting == POOLED and 0 or -1 end
    local window, slot = s[WINDOW], s[SLOT]
    advance(s, window_ms)
    if s[WINDOW] == window and s[SLOT] == slot then return s end
  else
    s = { math.floor(now / window_ms), 0, 0, 0, 0, 0, 0, 0, math.floor(now / SLOT_MS), 0, 0, 0, 0, now,
      counting == POOLED and 0 or -1 }
  end
  save(key, s, window_ms)
  note_use(key, window_ms, counting, (s[WINDOW] + 1) * window_ms)
  return s
end

local function load_rolling(key, window_ms)
  local packed = redis.call('GET', key)
  local s = packed and cmsgpack.unpack(packed) or { started = now, times = {} }
  local kept = {}
  for _, time in ipairs(s.times) do
    if time + window_ms > now then kept[#kept + 1] = time end
  end
  local has_gone = #kept < #s.times
  s.times = kept
  -- What has left does not come back when the clock is set back.
  if has_gone then save(key, s, window_ms) end
  return s
end

local function last_of(s, window_ms)
  local last = s.started
  for _, time in ipairs(s.times) do last = math.max(last, time + window_ms) end
  return last
end

-- When so many calls have left that the weight fits below the ceiling.
local function room_at(s, window_ms, weight, ceiling)
  local sorted = {}
  for i, time in ipairs(s.times) do sorted[i] = time end
  table.sort(sorted)
  local time = sorted[#sorted + weight - ceiling]
  return time and time + window_ms or last_of(s, window_ms)
end

-- Ends calls of a rolling window: counted by now, or never.
local function settle_rolling(s, slot, started, weight, counted, tail_ms)
  for i = 1, weight do
    local at = nil
    if started == s.started then
      for index, time in ipairs(s.times) do
        if time == slot then at = index break end
      end
    end
    if at then table.remove(s.times, at) end
    if i <= counted and (at or started ~= s.started) then s.times[#s.times + 1] = now + tail_ms end
  end
end

local function freeze_of(key)
  local text = redis.call('GET', key)
  if not text then return nil end
  local ends, status = string.match(text, '^(%d+) (%d+)$')
  ends = tonumber(ends)
  if ends and ends > now + LONGEST_FREEZE_MS then
    ends = now + LONGEST_FREEZE_MS
    redis.call('SET', key, ends .. ' ' .. status, 'PX', LONGEST_FREEZE_MS + KEEP_MS)
  end
  if ends and ends > now then return ends, tonumber(status) end
  return nil
end

-- KEYS: freeze keys, then buckets. ARGV: number of freeze keys, the member, then window, counting, weight, ceiling and scope
-- (0: not divided) of each bucket.
-- Answers {'frozen', freeze key, until, status} or {'full', bucket, until, state…} or {'charged', 0, 0, state…}, where a
-- state is {window, round, slot, started, used, reported, end}; or {'outside', 0, 0} to who holds no lease.
local function charge()
  local freeze_keys, at_redis = tonumber(ARGV[3]), redis_now()
  if tonumber(redis.call('ZSCORE', MEMBERS, ARGV[4]) or 0) < at_redis then return { 'outside', 0, 0 } end
  for i = 1, freeze_keys do
    local ends, status = freeze_of(KEYS[i])
    if ends then return { 'frozen', i, ends, status } end
  end
  local states, full, full_until = {}, nil, 0
  local known, away = {}, {}
  for i = 1, own_keys - freeze_keys do
    local at = 5 * i
    local window_ms = tonumber(ARGV[at])
    local counting, weight, ceiling = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    local scope, open = tonumber(ARGV[at + 4]), ceiling
    if scope > 0 then
      if not known[scope] then known[scope], away[scope] = members_of(scope, at_redis) end
      open = ceiling - away[scope] * math.floor(ceiling / known[scope])
    end
    local used, ends
    if counting == ROLLING then
      states[i] = load_rolling(KEYS[freeze_keys + i], window_ms)
      used = #states[i].times
    else
      states[i] = load(KEYS[freeze_keys + i], window_ms, counting)
      used = used_of(states[i])
      ends = (states[i][WINDOW] + 1) * window_ms
    end
    if used + weight > open then
      if used + weight <= ceiling then
        ends = math.min(ends or now + GAP_MS, now + GAP_MS)
      else
        ends = ends or room_at(states[i], window_ms, weight, ceiling)
      end
      if ends > full_until then full, full_until = i, ends end
    end
  end
  local answer = full and { 'full', full, full_until } or { 'charged', 0, 0 }
  for i, s in ipairs(states) do
    local key, window_ms, weight = KEYS[freeze_keys + i], tonumber(ARGV[5 * i]), tonumber(ARGV[5 * i + 2])
    if s.times then
      if not full then
        for _ = 1, weight do s.times[#s.times + 1] = now + LONGEST_FLIGHT_MS end
        save(key, s, window_ms)
      end
      answer[i + 3] = { 0, 0, now + LONGEST_FLIGHT_MS, s.started, #s.times, 0, last_of(s, window_ms) }
    else
      if not full then
        add_flight(s, s[SLOT], weight)
        save(key, s, window_ms)
      end
      answer[i + 3] = { s[WINDOW], s[ROUND], s[SLOT], s[STARTED], used_of(s), s[REPORTED], (s[WINDOW] + 1) * window_ms }
    end
  end
  return answer
end

-- One bucket of the operation below, whose arguments begin behind `at`.
local function finish_fixed(key, at, tail_ms)
  local window_ms, counting, weight = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local window, round, slot = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6])
  local started, counted, reported = tonumber(ARGV[at + 7]), tonumber(ARGV[at + 8]), tonumber(ARGV[at + 9])
  local s = load(key, window_ms, counting)
  local alive = is_alive(s, slot, started)
  if alive then add_flight(s, slot, -weight) end
  if counted >= 0 then
    if now >= (s[WINDOW] + 1) * window_ms - tail_ms then s[NEAR_THE_END] = s[NEAR_THE_END] + counted end
    if window ~= s[WINDOW] or started ~= s[STARTED] then
      add_unreported(s, counted)
    elseif reported >= 0 then
      if alive then add_own(s, counted) end
      s[REPORTED] = math.max(s[REPORTED], reported)
      s[HIGHEST] = math.max(s[HIGHEST], reported)
      if round == s[ROUND] then
        if counting == FALLING then s[REPORTED] = s[HIGHEST] end
        s[HIGHEST], s[UNREPORTED_BEFORE], s[UNREPORTED] = 0, s[UNREPORTED], 0
        s[ROUND] = s[ROUND] + 1
      end
    elseif alive then
      add_unreported(s, counted)
    end
  end
  save(key, s, window_ms)
end

-- KEYS: buckets. ARGV: length of the tail, then of each bucket: window length, counting, weight, mark (window, round,
-- slot, started), counted (-1: nothing was sent), reported (-1: nothing).
local function finish()
  local tail_ms = tonumber(ARGV[3])
  for i = 1, own_keys do
    local key, at = KEYS[i], 3 + 9 * (i - 1)
    if tonumber(ARGV[at + 2]) == ROLLING then
      local window_ms, weight, slot = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 6])
      local s = load_rolling(key, window_ms)
      settle_rolling(s, slot, tonumber(ARGV[at + 7]), weight, math.max(0, tonumber(ARGV[at + 8])), tail_ms)
      save(key, s, window_ms)
    else
      finish_fixed(key, at, tail_ms)
    end
  end
  return 'OK'
end

-- KEYS: freeze key. ARGV: until, status.
local function freeze()
  local ends = freeze_of(KEYS[1])
  local until_ms = tonumber(ARGV[3])
  if until_ms > now and not (ends and ends >= until_ms) then
    redis.call('SET', KEYS[1], ARGV[3] .. ' ' .. ARGV[4], 'PX', until_ms - now + KEEP_MS)
  end
  return 'OK'
end

-- Nobody was heard for a while, so it was Redis that was away: who was a member then still may use a part alone.
local function wake(key, pulse, at)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, pulse - FORGET_MS, '(' .. at)) do
    redis.call('ZADD', key, at - 1, member)
  end
end

-- This Redis has lost its memory. The first that comes again says how many there were: each of the others is one to come.
local function replace_lost(key, others, is_first, at)
  if is_first then
    for i = 1, others do redis.call('ZADD', key, at - 1, 'lost:' .. i) end
    return
  end
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, at - FORGET_MS, '+inf')) do
    if string.sub(member, 1, 5) == 'lost:' then
      redis.call('ZREM', key, member)
      return
    end
  end
end

-- Counts a proxy as present, with a lease where it asks for one. ARGV from 4 on: the member, end of the lease by Redis' clock
-- (0: none), how many it knew of on its egress IP and in all, the memory of Redis that it knew ('': none).
-- Answers {time of Redis, members on the egress IP, in all, memory}.
local function attend()
  local id, lease, memory_known = ARGV[4], tonumber(ARGV[5]), ARGV[8]
  local at = redis_now()
  local pulse = tonumber(redis.call('GET', PULSE) or at)
  local memory = redis.call('GET', MEMORY)
  local is_first = not memory
  if is_first then memory = at .. ' ' .. id end
  local is_lost = memory_known ~= '' and memory_known ~= memory
  for i, key in ipairs({ NEIGHBOURS, MEMBERS }) do
    if at - pulse > GAP_MS then wake(key, pulse, at) end
    if is_lost then replace_lost(key, tonumber(ARGV[5 + i]) - 1, is_first, at) end
    local ends = math.max(at - 1, tonumber(redis.call('ZSCORE', key, id) or 0))
    -- Who has to tell a Redis what it lost gets no lease before.
    if lease > 0 and not is_lost then ends = math.max(ends, math.min(lease, at + LEASE_MS)) end
    -- Who comes for the first time uses nothing yet: nothing is kept free before its lease.
    if memory_known ~= '' then redis.call('ZADD', key, ends, id) end
    redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. (at - FORGET_MS))
    redis.call('PEXPIRE', key, IDLE_MS)
  end
  redis.call('SET', PULSE, at, 'PX', IDLE_MS)
  redis.call('SET', MEMORY, memory, 'PX', IDLE_MS)
  return { at, (members_of(1, at)), (members_of(2, at)), memory }
end

local function leave()
  redis.call('ZREM', MEMBERS, ARGV[3])
  redis.call('ZREM', NEIGHBOURS, ARGV[3])
  return 'OK'
end

-- The buckets in use: {key, used, reported, end of the window}…
local function uses_of_all()
  local rows = {}
  redis.call('ZREMRANGEBYSCORE', IN_USE, '-inf', now)
  for _, row in ipairs(redis.call('ZRANGE', IN_USE, 0, -1)) do
    local key, window_ms, counting = string.match(row, '^(.*) (%d+) (%d+)$')
    local s = load(key, tonumber(window_ms), tonumber(counting))
    rows[#rows + 1] = { key, used_of(s), s[REPORTED], (s[WINDOW] + 1) * window_ms }
  end
  return rows
end

-- KEYS: freeze keys, then buckets. ARGV: number of freeze keys, what attend() reads, whether all buckets in use are asked for,
-- then window length and counting of each bucket.
-- Answers {what attend() says, {until, status}… , {end of the window, started, used, reported}…, uses of all}; until is 0
-- where there is no freeze.
local function look()
  local freeze_keys = tonumber(ARGV[3])
  local answer = { attend() }
  for i = 1, own_keys do
    local key = KEYS[i]
    if i <= freeze_keys then
      local ends, status = freeze_of(key)
      answer[i + 1] = { ends or 0, status or 0 }
    else
      local at = 8 + 2 * (i - freeze_keys)
      local window_ms, counting = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
      if counting == ROLLING then
        local s = load_rolling(key, window_ms)
        answer[i + 1] = { last_of(s, window_ms), s.started, #s.times, 0 }
      else
        local s = load(key, window_ms, counting)
        answer[i + 1] = { (s[WINDOW] + 1) * window_ms, s[STARTED], used_of(s), s[REPORTED] }
      end
    end
  end
  answer[own_keys + 2] = ARGV[9] == '1' and uses_of_all() or {}
  return answer
end

-- Adds what a process used while it could not reach this store.
-- KEYS: buckets. ARGV: of each bucket: window length, counting, end of the window that is meant, own charges, largest
-- report.
local function merge()
  for i = 1, own_keys do
    local key, at = KEYS[i], 2 + 5 * (i - 1)
    local window_ms, counting = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    local own, reported = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
    if counting == ROLLING then
      local s = load_rolling(key, window_ms)
      for _ = 1, math.max(own, reported - #s.times) do s.times[#s.times + 1] = now end
      save(key, s, window_ms)
    else
      local s = load(key, window_ms, counting)
      if (s[WINDOW] + 1) * window_ms == tonumber(ARGV[at + 3]) then
        add_unreported(s, own)
        s[REPORTED] = math.max(s[REPORTED], reported)
        if s[OWN] >= 0 then s[OWN] = math.max(s[OWN], reported) end
        save(key, s, window_ms)
      end
    end
  end
  return 'OK'
end

if operation == 'charge' then return charge() end
if operation == 'finish' then return finish() end
if operation == 'freeze' then return freeze() end
if operation == 'look' then return look() end
if operation == 'merge' then return merge() end
if operation == 'leave' then return leave() end
return redis.error_reply('unknown operation')
