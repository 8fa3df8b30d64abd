-- wrk's script: each thread sends the requests of its own file, in order, each once.
--
-- REQUESTS is the path of the files without the thread's number, PAUSE the mean pause of a connection between two
-- requests in milliseconds (none: as fast as answers come). The last line of output is the summary as JSON.

local threads = {}

function setup(thread)
    thread:set("number", #threads)
    table.insert(threads, thread)
end

function init()
    file = assert(io.open(os.getenv("REQUESTS") .. "." .. number, "rb"))
    file:setvbuf("full", 1048576)
    rounds = 0
    math.randomseed(number + 1)
    pause = tonumber(os.getenv("PAUSE") or "0")
    if pause > 0 then
        -- Evenly spread around the mean, so that connections do not march in step.
        delay = function() return math.random(0, 2 * pause) end
    end
end

function request()
    local length = file:read(8)
    if length == nil then
        rounds = rounds + 1
        file:seek("set", 0)
        length = file:read(8)
    end
    return file:read(tonumber(length, 16))
end

function done(summary, latency)
    local rounds = 0
    for _, thread in ipairs(threads) do rounds = math.max(rounds, thread:get("rounds")) end
    local errors = summary.errors
    io.write(string.format(
        '{"requests":%d,"seconds":%.6f,"mean_us":%.1f,"p50_us":%d,"p90_us":%d,"p99_us":%d,"p999_us":%d,"max_us":%d,'
            .. '"refused":%d,"broken":%d,"rounds":%d}\n',
        summary.requests, summary.duration / 1e6, latency.mean, latency:percentile(50), latency:percentile(90),
        latency:percentile(99), latency:percentile(99.9), latency.max, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout, rounds))
end
