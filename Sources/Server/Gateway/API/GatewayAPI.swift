import Connector
import HTTPServer

/// The CRM's API, the health routes and their description; everything of the gateway that is no webhook.
package struct GatewayAPI: Sendable {
    package let services: APIServices

    package init(_ services: APIServices) { self.services = services }

    /// Every route, as the router gets it and `/openapi.json` tells it.
    var routes: [APIRoute] {
        [ChangesRoute(services: services).route, CallListRoute(services: services).route]
            + CallRoutes(services: services).routes + RecordingRoutes(services: services).routes
            + InboxRoutes(services: services).routes
            + ConnectionRoutes(services: services).routes + CompletenessRoutes(services: services).routes
            + DirectoryRoutes(services: services).routes
            + HealthRoutes(services: services).routes
            + (services.previews.map { [RoutePreviewRoute(services: services, previews: $0).route] } ?? [])
            + (services.desk.map { CommandRoutes(services: services, desk: $0).routes } ?? [])
    }

    /// Adds the routes.
    package func register(in router: inout Router) {
        let door = APIDoor(services: services)
        let routes = routes + [descriptionRoute]
        for route in routes { router.on(route.method, route.pattern, maxBody: 64 << 10, door.handler(for: route)) }
    }

    /// A router whose own refusals look like the API's.
    package static func makeRouter(log: any GatewayLog) -> Router { Router(errorResponse: APIDoor.errorRenderer(log)) }

    private var descriptionRoute: APIRoute {
        let description = OpenAPIDescription(routes: routes, version: services.version).json.encoded
        var route = OpenAPIDescription.route
        route.handle = { _ in .json(description) }
        return route
    }
}
