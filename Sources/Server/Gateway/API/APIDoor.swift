import Connector
import Digests
import HTTPServer

/// Stands before every route: asks for the key, turns what is thrown into a problem, counts and logs.
struct APIDoor: Sendable {
    let services: APIServices

    /// The handler that the router gets for `route`.
    func handler(for route: APIRoute) -> HTTPHandler {
        { request in
            let response = await self.answer(request, route)
            self.services.metrics.count(route, response.status)
            return response
        }
    }

    private func answer(_ request: HTTPRequest, _ route: APIRoute) async -> HTTPResponse {
        do {
            let key = try await authorize(request, route)
            return try await route.handle(
                APICall(http: request, tenant: key?.tenant ?? .standard, keyName: key?.name ?? "", route: route))
        } catch let problem as APIProblem {
            return refuse(problem, request, route)
        } catch is CancellationError {
            // The client has gone, or the gateway ends: then it comes again.
            return refuse(.ending, request, route)
        } catch let error as LedgerError {
            return refuse(.ledger(error), request, route, cause: error)
        } catch let error as UnreadableEvent {
            return refuse(.unreadable(error), request, route, cause: error)
        } catch {
            return refuse(.internalFailure, request, route, cause: error)
        }
    }

    private func authorize(_ request: HTTPRequest, _ route: APIRoute) async throws -> APIKey? {
        guard let scope = route.scope else { return nil }
        guard let header = request.headers["Authorization"] else {
            throw APIProblem.badKey("The request has no `Authorization` header.")
        }
        guard let secret = KeyDesk.secret(in: header), let key = try await services.keys.key(for: secret) else {
            if let seconds = services.badKeys.countBadKey(from: services.proxies.client(of: request), at: services.clock.now()) {
                throw APIProblem.tooManyBadKeys(retryAfter: seconds)
            }
            throw APIProblem.badKey("The key is unknown or was revoked.")
        }
        guard key.scopes.contains(scope) else { throw APIProblem.lacksScope(scope) }
        return key
    }

    private func refuse(
        _ problem: APIProblem, _ request: HTTPRequest, _ route: APIRoute, cause: (any Error)? = nil
    ) -> HTTPResponse {
        let id = Self.makeProblemID()
        var fields = [
            LogField("id", id), LogField("code", problem.code), LogField("route", "\(route.method.name) \(route.pattern)"),
            LogField("peer", services.proxies.client(of: request).description),
        ]
        if let cause { fields.append(LogField("cause", String(describing: cause))) }
        services.log.write(problem.status.code >= 500 ? .error : .info, "api.refused", fields)
        return problem.response(id: id)
    }

    static func makeProblemID() -> String { "prb_" + Hex.encode(randomBytes(8)) }

    /// How the server's own refusals look: unknown path, wrong method, malformed request.
    static func errorRenderer(_ log: any GatewayLog) -> ErrorRenderer {
        { status, reason, detail in
            let id = makeProblemID()
            // The server's reasons are labels of metrics; a problem's code is a slug like every other of the API.
            let code = reason.replacing("_", with: "-")
            let level: LogLevel = status.code >= 500 ? .error : .debug
            log.write(level, "http.refused", [LogField("id", id), LogField("code", code)])
            return APIProblem(status, code, status.phrase, detail: detail).response(id: id)
        }
    }
}
