-- KEYS index, then a hash for each name. ARGV free count, first pause ms, longest pause ms, tries per hour, names kept at
-- most, then as many names. Takes a try for all names or for none. It counts as a wrong one until end-attempt.lua says
-- otherwise, so tries under way at once are no way around. Returns 0, or the ms to wait before the next try; then the hashes
-- of the names that are not kept any more, for the caller to drop.
--
-- A hash holds `wrong` (wrong ones in a row), `next` (ms since the epoch before which no try is allowed) and `times`
-- (the tries of the last hour, oldest first).

local freeCount, baseMs, capMs, hourlyMax, namesMax = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local hourMs = 3600000
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local waitMs, timesOf = 0, {}
for i = 2, #KEYS do
  local state = redis.call('HMGET', KEYS[i], 'next', 'times')
  local times = {}
  for at in string.gmatch(state[2] or '', '%d+') do
    if tonumber(at) > now - hourMs then times[#times + 1] = tonumber(at) end
  end
  timesOf[i] = times
  waitMs = math.max(waitMs, tonumber(state[1] or '0') - now)
  if #times >= hourlyMax then waitMs = math.max(waitMs, times[#times - hourlyMax + 1] + hourMs - now) end
end
if waitMs > 0 then return {waitMs} end

for i = 2, #KEYS do
  local times = timesOf[i]
  times[#times + 1] = string.format('%.0f', now)
  for at = 1, #times do times[at] = string.format('%.0f', times[at]) end
  local wrong = redis.call('HINCRBY', KEYS[i], 'wrong', 1)
  local pauseMs = wrong < freeCount and 0 or math.min(capMs, baseMs * 2 ^ (wrong - freeCount))
  redis.call('HSET', KEYS[i], 'next', string.format('%.0f', now + pauseMs), 'times', table.concat(times, ' '))
  redis.call('PEXPIRE', KEYS[i], hourMs + capMs)
  redis.call('ZADD', KEYS[1], now, KEYS[i])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - hourMs - capMs))
local tooMany = math.min(1000, redis.call('ZCARD', KEYS[1]) - namesMax)
local forgotten = tooMany > 0 and redis.call('ZRANGE', KEYS[1], 0, tooMany - 1) or {}
if tooMany > 0 then redis.call('ZREMRANGEBYRANK', KEYS[1], 0, tooMany - 1) end
return {0, unpack(forgotten)}
