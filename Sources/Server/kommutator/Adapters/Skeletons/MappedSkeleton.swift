/// A vendor described in a connection's file, with cases and examples that come out.
struct MappedSkeleton: Skeleton {
    let name: String

    var files: [(path: String, text: String)] {
        [
            ("\(name).yaml", named(Self.connection)), ("README.md", named(Self.readme)),
            ("cases/inbound-answered/requests.json", Self.requests), ("cases/inbound-answered/settings.yaml", Self.settings),
            ("cases/inbound-answered/source.md", "Made up with the skeleton: replace it by what the vendor sends.\n"),
            ("cases/rejected/requests.json", Self.rejectedRequests), ("cases/rejected/settings.yaml", Self.settings),
            ("cases/rejected/error.txt", "401\n403\n"),
            ("cases/rejected/source.md", "A webhook without the token, and with another one.\n"),
        ]
    }

    private func named(_ text: String) -> String { text.replacing("my-vendor", with: name) }

    private static let settings = "webhook_secret: made-up-token-1\napi_key: made-up-key-1\n"

    // swift-format-ignore
    private static let connection = ##"""
        # my-vendor, described in this file: no code. Copy it into adapters.d, put the secrets into adapters.d/secrets, and set
        # `enabled: true`. The file's name is the connection's name and the first part of its address: /hooks/my-vendor.
        # What may stand here is in "Describing a vendor in a file" of Kommutator's documentation.
        adapter: mapped
        enabled: false

        settings:
          # What webhooks prove to know, and what commands prove. References, never the values: env:NAME or file:PATH.
          webhook_secret: file:secrets/my-vendor-token
          base_url: https://pbx.example
          api_key: file:secrets/my-vendor-key

        mapping:
          vendor: my-vendor
          title: my-vendor
          format: json
          authentication: {type: token, header: X-Token}

          # The field that names the event; its values are the rows of `events`.
          event: event

          # What every event says of its call.
          call:
            key: call
            time: {path: at, filters: [rfc3339]}
            direction: {path: direction, filters: [{map: {in: inbound, out: outbound}}]}
            line: {path: line, filters: [e164]}

          events:
            ringing:
              type: call.ringing
              leg: {key: call, phase: ringing, from: {anyone: from}, to: {anyone: to}}
            answered:
              type: call.answered
              leg: {key: call, phase: answered, from: {anyone: from}, to: {anyone: to}}
            hangup:
              type: call.ended
              leg: {key: call, phase: ended, from: {anyone: from}, to: {anyone: to}}
              ending:
                reason: {path: reason, filters: [{map: {normal: normal, busy: busy, no_answer: no_answer}}, {default: unknown}]}
                code: reason
            recorded:
              type: recording.ready
              recording: {key: file, phase: ready}

          command_headers: {Authorization: "Bearer {api_key}"}
          commands:
            originate:
              method: POST
              path: /calls
              json: {from: "{from}", to: "{to_digits}", reference: "{command_id}"}
              answer: {call: call}
            hangup: {method: DELETE, path: "/calls/{call}"}
            recordings: {method: GET, path: "/recordings/{recording}"}

          # Requests, and what the call's record should then say. Run by `kommutator check` and `kommutator adapter test`.
          examples:
            - name: a call that nobody took
              requests:
                - received_at: 2026-11-02T08:00:00.300Z
                  body: '{"event":"ringing","call":"c-2","direction":"in","at":"2026-11-02T08:00:00Z","from":"79000000102","to":"101"}'
                - received_at: 2026-11-02T08:00:30.300Z
                  body: '{"event":"hangup","call":"c-2","direction":"in","at":"2026-11-02T08:00:30Z","from":"79000000102","to":"101","reason":"no_answer"}'
              record: {direction: inbound, disposition: missed, external_party.number.e164: "+79000000102", answered_at: null}

        """##

    // swift-format-ignore
    private static let readme = ##"""
        # my-vendor

        A vendor for Kommutator, described in `my-vendor.yaml`: which fields say what, and how commands are sent.

        1. Put what the vendor really sends into `cases/<name>/requests.json`, with the numbers made up.
        2. Change `mapping` in `my-vendor.yaml` until it reads that, and what should come out into `examples`.
        3. `kommutator adapter test .` tries all cases and examples: as they are, changed, repeated, lost, late, cut short.
        4. Copy `my-vendor.yaml` into `adapters.d`, put the secrets there, set `enabled: true`, and `kommutator check`.

        """##

    // swift-format-ignore
    private static let requests = ##"""
        [
         {"method": "POST", "path": "", "headers": {"Content-Type": "application/json", "X-Token": "made-up-token-1"},
          "body": "{\"event\":\"ringing\",\"call\":\"c-1\",\"direction\":\"in\",\"at\":\"2026-11-02T07:15:20Z\",\"from\":\"79000000101\",\"to\":\"101\"}",
          "received_at": "2026-11-02T07:15:20.300Z"},
         {"method": "POST", "path": "", "headers": {"Content-Type": "application/json", "X-Token": "made-up-token-1"},
          "body": "{\"event\":\"answered\",\"call\":\"c-1\",\"direction\":\"in\",\"at\":\"2026-11-02T07:15:27Z\",\"from\":\"79000000101\",\"to\":\"101\"}",
          "received_at": "2026-11-02T07:15:27.300Z"},
         {"method": "POST", "path": "", "headers": {"Content-Type": "application/json", "X-Token": "made-up-token-1"},
          "body": "{\"event\":\"hangup\",\"call\":\"c-1\",\"direction\":\"in\",\"at\":\"2026-11-02T07:16:30Z\",\"from\":\"79000000101\",\"to\":\"101\",\"reason\":\"normal\"}",
          "received_at": "2026-11-02T07:16:30.300Z"}
        ]

        """##

    // swift-format-ignore
    private static let rejectedRequests = ##"""
        [
         {"method": "POST", "path": "", "headers": {"Content-Type": "application/json"}, "body": "{}",
          "received_at": "2026-11-02T07:15:20.300Z"},
         {"method": "POST", "path": "", "headers": {"Content-Type": "application/json", "X-Token": "another"}, "body": "{}",
          "received_at": "2026-11-02T07:15:20.300Z"}
        ]

        """##
}
